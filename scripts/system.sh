#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# system.sh DIRECTORY TITLE LOG SUITE SOURCES OPTION...: makes a small Debian in
# DIRECTORY, which is not there yet, of SUITE and the lines SOURCES of a sources.list.
# OPTIONs are mmdebstrap's. It has no documentation.
set -eu
. "$(dirname "$0")/lib.sh"

[ $# -ge 5 ] || die "usage: system.sh DIRECTORY TITLE LOG SUITE SOURCES OPTION..."
root=$1 title=$2 log=$3 suite=$4 sources=$5
shift 5

conf=$(mktemp)
trap 'rm -f "$conf"' EXIT INT TERM
# mmdebstrap starts the system's own Python, for one.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
# How the system's apt gets at its mirror, and what it expects of that.
apt-config dump | grep -E '^Acquire::(https?::|Check-|Retries)' >"$conf" || true
"$REPO/scripts/step.sh" "$title" "$log" bash -c 'exec mmdebstrap "$@" - <<<"$0"' "$sources" \
	--mode=root --variant=essential --format=directory \
	--aptopt="$conf" --aptopt='APT::Sandbox::User "root"' \
	--aptopt='Acquire::Languages "none"' \
	--dpkgopt='path-exclude=/usr/share/doc/*' \
	--dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' \
	"$@" "$suite" "$root"
