#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Line coverage of drivers/xen/xenstore by the KUnit suites. The report is in
# build/kunit/coverage; less than 90 % is a failure. Last line:
# "N passed, N failed".
set -u
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../../scripts/lib.sh"

least=90
core=drivers/xen/xenstore
out=$BUILD/kunit/coverage

score=$("$REPO/tests/kunit/run.py" coverage | tee >(cat >&2) | tail -n 1)
[[ $score == *" 0 failed" ]] || { echo "not ok coverage: the suites did not pass"; echo "0 passed, 1 failed"; exit 1; }

tree=$("$REPO/scripts/kernel-tree.sh" --overlay) || exit 1
build=$("$REPO/scripts/kernel-tree.sh" --build kunit-coverage)

# The kernel leaves its counts below the path of the build; gcov wants them
# beside the notes that the compiler made.
find "$build/$core" -name '*.gcda' -delete
find "$out/coverage" -name '*.gcda' | while read -r file; do
	cp "$file" "$build/$core/$(basename "$file")"
done
find "$build/$core" -maxdepth 1 -name '*.gcda' | grep -q . ||
	{ echo "not ok coverage: the kernel wrote no counts"; echo "0 passed, 1 failed"; exit 1; }

cd "$build" || exit 1
gcovr --root "$tree" --filter "$tree/$core/[^/]*\.c" --object-directory "$build" \
	--html-details "$out/index.html" --json-summary "$out/summary.json" \
	--txt "$out/summary.txt" "$build/$core" >"$out/gcovr.log" 2>&1 ||
	{ cat "$out/gcovr.log"; echo "not ok coverage: gcovr failed"; echo "0 passed, 1 failed"; exit 1; }
sed "s|$tree/||" "$out/summary.txt"
echo "lines: ${out#"$REPO/"}/index.html"

# Every file with code counts, also one that nothing ran: it would have no counts
# at all.
missing=0
for file in "$REPO/$core"/*.c; do
	object=$build/$core/$(basename "${file%.c}")
	[ -e "$object.gcda" ] || ! nm "$object.o" | grep -q ' [Tt] ' ||
		{ echo "no counts for $file"; missing=1; }
done
percent=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["line_percent"])' "$out/summary.json")
if [ $missing -eq 0 ] && [ "$(echo "$percent >= $least" | bc)" -eq 1 ]; then
	echo "ok coverage: $percent % of the lines of $core, at least $least %"
	echo "1 passed, 0 failed"
else
	echo "not ok coverage: $percent % of the lines of $core, at least $least % wanted"
	echo "0 passed, 1 failed"
	exit 1
fi
