#!/bin/sh
# The Ansible collection against ansible-lint and `ansible-test sanity`: ansible.sh DIRECTORY, where the tools are kept.
set -eu

mkdir -p "$1"
tools=$(cd "$1" && pwd)
here=$(cd "${0%/*}/.." && pwd)

PATH=$("$here/tests/ansible-tools.sh" "$tools/venv"):$PATH
export PATH NO_COLOR=1

work=$(mktemp -d "$tools/collection.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
collection=$work/ansible_collections/node_setup/docker
mkdir -p "${collection%/*}"
cp -a "$here/packaging/ansible" "$collection"
cp "$here/CHANGELOG.md" "$here/LICENSE" "$collection"
cd "$collection"

ansible-lint --version
ANSIBLE_COLLECTIONS_PATH=$work ansible-lint --offline --profile production

# It makes environments of its own, for which it wants pip; it looks here before it fetches a script from its site.
HOME=$tools/home
export HOME
mkdir -p "$HOME/.ansible/test/cache"
echo 'import runpy, sys; sys.argv[1:] = ["--default-pip"]; runpy.run_module("ensurepip", run_name="__main__")' \
	>"$HOME/.ansible/test/cache/get_pip_24_2.py"
ansible-test --version
python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
ansible-test sanity --venv --requirements --python "$python" >"$work/log" 2>&1 || {
	cat "$work/log"
	exit 1
}
grep -c '^Running sanity test' "$work/log" | sed 's/$/ sanity tests passed/'
