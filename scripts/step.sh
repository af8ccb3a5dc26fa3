#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# step.sh [-o OBJDIR [-n COUNT]] TITLE LOG COMMAND...
#
# Runs a long COMMAND with its output in LOG.  Says every few seconds how long
# it has been at it, and how many objects it has made in OBJDIR (or how many
# compiler lines are in LOG), and what part that is of COUNT, which is about what it
# will make; shows the end of LOG if COMMAND fails.  Exit status is COMMAND's.
set -u
objdir='' count=0
if [ "$1" = -o ]; then objdir=$2; shift 2; fi
if [ "$1" = -n ]; then count=$2; shift 2; fi
title=$1 log=$2
shift 2

# An interval short enough to see life, long enough to keep a CI log small.
every=${STEP_SECONDS:-10}

objects() {
	if [ -n "$objdir" ]; then
		find "$objdir" -name '*.o' -newer "$log.start" 2>/dev/null | wc -l
	else
		grep -cE '^ +(CC|AS|LD|AR|CHECK|HOSTCC)( |$)' "$log"
	fi
}

# part MADE: in percent; never done before it is.
part() {
	[ "$count" -gt 0 ] || return
	local percent=$((100 * $1 / count))
	printf '%d %%, ' $((percent < 99 ? percent : 99))
}

progress() {
	local made
	made=$(objects)
	printf '  %s: %s%d s, %d objects\n' "$title" "$(part "$made")" "$SECONDS" "$made"
}

mkdir -p "$(dirname "$log")"
touch "$log.start"
SECONDS=0
# Says the command's status when it has ended.
run() {
	"$@" >"$log" 2>&1 </dev/null &
	trap 'kill %1' TERM
	wait %1
	echo $?
}
exec 9< <(run "$@")
pid=$!
trap 'kill $pid 2>/dev/null' INT TERM
until read -rt "$every" -u 9 status; do
	[ $? -gt 128 ] || { status=1; break; }
	progress >&2
done
rm -f "$log.start"
if [ "$status" -eq 0 ]; then
	printf '  %s: done in %d s\n' "$title" "$SECONDS" >&2
else
	tail -n 30 "$log" >&2
	printf '  %s: FAILED (status %d) after %d s; whole log: %s\n' \
		"$title" "$status" "$SECONDS" "$log" >&2
fi
exit "$status"
