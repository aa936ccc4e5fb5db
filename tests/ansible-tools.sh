#!/bin/sh
# Installs ansible-core and ansible-lint into a directory, and says where their programs are: ansible-tools.sh DIRECTORY
set -eu

"${0%/*}/need.sh" python3-venv
if [ ! -x "$1/bin/ansible-lint" ]; then
	/usr/bin/python3 -m venv "$1"
	"$1/bin/pip" install --quiet 'ansible-core==2.19.*' 'ansible-lint==26.10.*' >&2
fi
cd "$1/bin" && pwd
