#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every test, one part after the other; loop-test, which needs one processor only, beside
# three others. A part says "N passed, N failed" on its last line; one that does not has
# not run, and counts as a failure. Ends with the sum, alone on a line.
set -u
. "$(dirname "$0")/lib.sh"
cd "$REPO" || exit 1

passed=0 failed=0 summary=
logs=$BUILD/test
mkdir -p "$logs"

# run_part NAME COMMAND...: shows and keeps its output, and keeps how it ended.
run_part() {
	local name=$1 status start=$SECONDS
	shift
	echo "== $name"
	"$@" </dev/null | tee "$logs/$name.log"
	status=${PIPESTATUS[0]}
	echo "$status $((SECONDS - start))" >"$logs/$name.end"
}

# count_part NAME: add the score of a part that has ended.
count_part() {
	local name=$1 status seconds score
	read -r status seconds <"$logs/$name.end"
	score=$(tail -n 1 "$logs/$name.log")
	if [[ $score =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
		passed=$((passed + BASH_REMATCH[1]))
		failed=$((failed + BASH_REMATCH[2]))
		# A part that fails without saying what still fails.
		[ "$status" -eq 0 ] || [ "${BASH_REMATCH[2]}" -gt 0 ] || failed=$((failed + 1))
	else
		score="did not run to its end (status $status)"
		failed=$((failed + 1))
	fi
	summary+=$(printf '%-14s %6d s  %s' "$name" "$seconds" "$score")$'\n'
}

part() {
	run_part "$@"
	count_part "$1"
}

# start_part NAME COMMAND...: a part beside those that follow, shown by end_part NAME.
start_part() {
	trap 'trap - INT; kill 0' INT	# which ones that are started with "&" ignore
	rm -f "$logs/$1.end"
	run_part "$@" >"$logs/$1.shown" &
}

end_part() {
	wait
	cat "$logs/$1.shown"
	count_part "$1"
}

# on_xen KERNEL ARCH XEN NAME: xen-test there, as a part, and as lines of the matrix.
cells=()
on_xen() {
	part "$4" env KERNEL="$1" ARCH="$2" XEN="$3" tests/xen/xen-test
	cells+=("$1,$2,$3,$logs/$4.log")
}

[ "${LONG:-0}" != 0 ] || scripts/announce.sh test
part overlay tests/overlay/run.sh
part check scripts/check.sh
# LONG=1: what takes hours, and what others show as well. Without, the tests in
# user-mode Linux but for the suites have one kernel, and not another with KASAN.
tiers=(debug smp) seconds=()
if [ "${LONG:-0}" = 0 ]; then
	export QUICK=1
else
	tiers=(plain debug smp) seconds=(3600)
fi
# 6.1 cannot leave out the suite that provokes lockdep.
[ "$KERNEL" != 6.1 ] || tiers=(plain smp)

start_part loop-test tests/loop/loop-test
part kunit tests/kunit/run.py "${tiers[@]}"
part tools-test tests/tools/run
[ "${LONG:-0}" != 0 ] || part patches tests/patches/run
end_part loop-test
[ "${LONG:-0}" = 0 ] || part coverage tests/kunit/coverage.sh
part fuzz tests/fuzz/run "${seconds[@]}"
part threads tests/threads/run "${seconds[@]}"
on_xen "$KERNEL" "$ARCH" "${XEN:-4.17}" xen-test
# And other versions of Xen, and other kernels.
if [ "${LONG:-0}" != 0 ]; then
	part dkms tests/dkms/run
	part deb tests/deb/run
	on_xen "$KERNEL" x86_64 4.20 xen-4.20
	part loop-4.20 env XEN=4.20 tests/loop/loop-test
	others=()
	[ "$KERNEL" != 6.12 ] || others=(6.1 7.2)
	for other in "${others[@]}"; do
		part "kunit-$other" env KERNEL="$other" tests/kunit/run.py plain
		part "check-$other" env KERNEL="$other" scripts/check.sh \
			gcc clang sparse users arm64 arm64-64k
		[ "$other" = 6.1 ] ||
			part "kunit-debug-$other" env KERNEL="$other" tests/kunit/run.py debug
		on_xen "$other" x86_64 4.17 "xen-test-$other"
		on_xen "$other" x86_64 4.20 "xen-4.20-$other"
	done
	for kernel in "$KERNEL" "${others[@]}"; do
		on_xen "$kernel" arm64 4.17 "arm64-$kernel"
		on_xen "$kernel" arm64 4.20 "arm64-4.20-$kernel"
		part "defects-$kernel" env KERNEL="$kernel" tests/xen/defects
		part "patches-$kernel" env KERNEL="$kernel" tests/patches/run
	done
fi

printf '\n'
scripts/matrix.py "${cells[@]}"
printf '\n%s' "$summary"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
