#!/bin/sh
# Puts packages into a signed apt repository and a signed yum repository: repository.sh KEY DIRECTORY PACKAGE...
# Run by `make repo`.
#
# DIRECTORY can be served by any web server or object store. What an earlier call put there stays, so that nodes can
# go back to an older version. KEY is what gpg(1) knows a secret key by.
set -eu

key=$1 into=$2
shift 2
gpg=$(command -v gpg)
fingerprint=$(gpg --batch --with-colons --list-secret-keys "$key" | awk -F: '$1 == "fpr" { print $10; exit }')

mkdir -p "$into"
work=$(mktemp -d "$into/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$work/apt/pool" "$work/yum/packages"
for kind in apt/pool yum/packages; do
	if [ -d "$into/$kind" ]; then
		cp -al "$into/$kind/." "$work/$kind"
	fi
done
for package; do
	case $package in
	*.deb) cp --remove-destination "$package" "$work/apt/pool" ;;
	*.rpm)
		cp "$package" "$work"
		rpmsign --define "__gpg $gpg" --define "_gpg_name $fingerprint" --addsign "$work/${package##*/}" >&2
		mv "$work/${package##*/}" "$work/yum/packages"
		;;
	esac
done

# The packages' own architecture fields say which go where.
release=$work/apt/dists/stable
for architecture in amd64 arm64; do
	index=$release/main/binary-$architecture
	mkdir -p "$index"
	(cd "$work/apt" && apt-ftparchive --arch "$architecture" packages pool >"$index/Packages")
	gzip -9nk "$index/Packages"
done
apt-ftparchive \
	-o APT::FTPArchive::Release::Origin=node-setup \
	-o APT::FTPArchive::Release::Label=node-setup \
	-o APT::FTPArchive::Release::Suite=stable \
	-o APT::FTPArchive::Release::Codename=stable \
	-o APT::FTPArchive::Release::Components=main \
	-o APT::FTPArchive::Release::Architectures='amd64 arm64' \
	release "$release" >"$work/Release"
mv "$work/Release" "$release"
gpg --batch --yes --local-user "$fingerprint" --clearsign --output "$release/InRelease" "$release/Release"
gpg --batch --yes --local-user "$fingerprint" --armor --detach-sign --output "$release/Release.gpg" "$release/Release"

# Older distributions cannot read zstd.
createrepo_c --quiet --general-compress-type gz "$work/yum"
gpg --batch --yes --local-user "$fingerprint" --armor --detach-sign "$work/yum/repodata/repomd.xml"

gpg --batch --armor --export "$fingerprint" >"$work/node-setup.asc"

# Packages first, then what lists them.
for part in apt/pool yum/packages; do
	mkdir -p "$into/$part"
	cp -al --force "$work/$part/." "$into/$part"
done
for part in apt/dists yum/repodata; do
	rm -rf "$into/$part.old"
	[ ! -e "$into/$part" ] || mv "$into/$part" "$into/$part.old"
	mv "$work/$part" "$into/$part"
	rm -rf "$into/$part.old"
done
mv "$work/node-setup.asc" "$into"
echo "$into"
