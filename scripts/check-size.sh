#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check-size.sh FILE...: no file above 600 lines, no function above 60 (from
# its opening brace to its closing one). Status 1 if there is one.
exec awk -v files=600 -v functions=60 '
	function end_of_file() {
		if (lines > files) { print name ": " lines " lines, more than " files; bad = 1 }
	}
	FNR == 1 { end_of_file(); name = FILENAME; start = 0 }
	{ lines = FNR }
	/^[a-z].*\(/ { what = $0 }
	/^{/ { start = FNR }
	/^}/ && start {
		if (FNR - start + 1 > functions) {
			print name ":" start ": " FNR - start + 1 " lines, more than " functions ": " what
			bad = 1
		}
		start = 0
	}
	END { end_of_file(); exit bad }' "$@" /dev/null
