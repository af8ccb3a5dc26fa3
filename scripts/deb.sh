#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# deb.sh: builds Debian packages of the kernel that KERNEL names, with this driver and
# Debian's own configuration, in build/deb, and prints their paths: linux-image and
# linux-headers, of a name and a version of their own, so that they are installed
# beside Debian's. FLAVOUR is amd64, or cloud-amd64 with a quarter of the drivers; or
# CONFIG names a file with another configuration than Debian's.
#
# The kernel is in GRUB's menu, and not what GRUB boots by itself, see deb/grub.cfg.
#
# Two things of the configuration differ. Nobody here has Debian's key: modules are not
# signed, and it does not boot where Secure Boot is on. And without DEBUG=1 there is no
# debug information, and no BTF, which take more than half of the time and ten times the
# space.
set -eu
. "$(dirname "$0")/lib.sh"

flavour=${FLAVOUR:-amd64}
[ -z "${CONFIG-}" ] || flavour=own
case $flavour in
amd64 | cloud-amd64 | own) ;;
*) die "FLAVOUR=$flavour: there is amd64 and cloud-amd64" ;;
esac

# config_package: unpack the package that has Debian's configurations.
config_package() {
	local fetch=("$REPO/scripts/packages.sh" "config-$KERNEL" "linux-config-$KERNEL")
	if [ "$KERNEL" = 7.2 ]; then
		"$REPO/scripts/suite.sh" sid amd64 "${fetch[@]}"
	else
		"${fetch[@]}"
	fi
}

set_up kernel deb
tree=$("$REPO/scripts/kernel-tree.sh" --overlay)
work=$("$REPO/scripts/kernel-tree.sh" --build "deb-$flavour")
build=$work/build out=$REPO/build/deb/$KERNEL-$flavour
version=$(basename "$tree")
version=${version#linux-}
mkdir -p "$build" "$out"

make=(make -C "$tree" O="$build" CC="$(kernel_cc)" -j"$JOBS"
	KBUILD_BUILD_USER=xenbus KBUILD_BUILD_HOST=xenbus)

# Whose packages they are: of those who made the package of modules.
maintainer=$(sed -n 's/^Maintainer: //p' "$REPO/scripts/debian/control")
export DEBFULLNAME=${maintainer% <*} DEBEMAIL=${maintainer#*<}
DEBEMAIL=${DEBEMAIL%>}

# base: the configuration that ours is made of.
base() {
	if [ -n "${CONFIG-}" ]; then
		cat "$CONFIG"
	else
		local package
		package=$(config_package) || return
		xz -dc "$package/usr/src/linux-config-$KERNEL/config.amd64_none_$flavour.xz"
	fi
}

# configure: with what the driver wants, and a name.
configure() {
	base >"$work/base.config" || return
	{
		cat "$REPO/scripts/patches/xenbus.config"
		echo "CONFIG_XEN_DOM0=y"
		echo "CONFIG_LOCALVERSION=\"-xenbus-$flavour\""
		echo "# CONFIG_MODULE_SIG_ALL is not set"
		[ -n "${DEBUG-}" ] || echo "CONFIG_DEBUG_INFO_NONE=y"
	} >"$work/ours.config"
	(cd "$build" && "$tree/scripts/kconfig/merge_config.sh" -m -O "$build" \
		"$work/base.config" "$work/ours.config") &&
		"${make[@]}" olddefconfig &&
		! grep '^CONFIG_' "$work/ours.config" | grep -vxFf "$build/.config"
}

# tidy DIRECTORY: headers, and programs that build modules.
tidy() {
	local file
	find "$1" -name .gitignore -delete
	find "$1" -type f -perm /100 -print0 | while read -rd '' file; do
		! readelf -h "$file" >/dev/null 2>&1 || strip "$file"
	done
}

# finish DEB: add what is only here, and what the tools of older kernels leave out.
finish() {
	local deb=$1 package root=$work/root
	package=$(dpkg-deb -f "$deb" Package)
	rm -rf "$root"
	dpkg-deb -R "$deb" "$root"
	local doc=$root/usr/share/doc/$package
	[ -e "$doc/changelog.Debian.gz" ] ||
		gzip -9n <"$build/debian/changelog" >"$doc/changelog.Debian.gz"
	[ ! -d "$root/usr/src" ] || tidy "$root/usr/src"
	if [[ $package = linux-image-* ]]; then
		local place=etc/default/grub.d/zz-xenbus-${package#linux-image-}.cfg
		install -D -m 644 "$REPO/scripts/deb/grub.cfg" "$root/$place"
		echo "/$place" >>"$root/DEBIAN/conffiles"
	fi
	(cd "$root" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' |
		xargs -0 md5sum) >"$root/DEBIAN/md5sums"
	dpkg-deb --root-owner-group -Zxz -z3 -b "$root" "$out/${deb##*/}"
	rm -rf "$root"
}

configure >"$out/config.log" 2>&1 || die "configuration failed, see $out/config.log"
rm -f "$work"/*.deb "$out"/*.deb
"$REPO/scripts/step.sh" -o "$build" "packages of Linux $version, $flavour" "$out/build.log" \
	"${make[@]}" bindeb-pkg KDEB_SOURCENAME=linux-xenbus KDEB_COMPRESS=none \
	KDEB_PKGVERSION="$version+xenbus$(driver_date)"
for deb in "$work"/linux-image-*.deb "$work"/linux-headers-*.deb; do
	[[ $deb = *-dbg_* ]] || finish "$deb" >>"$out/build.log"
done
find "$out" -name '*.deb'
