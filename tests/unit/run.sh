#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh PROGRAM...: run unit tests, count their lines, end with a verdict.
set -u
passed=0 failed=0

for program; do
	ok=0 bad=0 status=
	while IFS= read -r line; do
		case $line in
		"ok "*) ok=$((ok + 1)) ;;
		"not ok "*) bad=$((bad + 1)) ;;
		"$0 exit "*) status=${line##* } && continue ;;
		# its own summary; ours is at the end
		[0-9]*" passed, "*" failed") continue ;;
		esac
		echo "$line"
	done < <("$program" 2>&1; echo "$0 exit $?")

	# A sanitizer's abort has no "not ok" line; a program without tests neither.
	if [ "$bad" = 0 ] && { [ "$status" != 0 ] || [ "$ok" = 0 ]; }; then
		echo "not ok ${program##*/}: exit status $status after $ok tests"
		bad=1
	fi
	passed=$((passed + ok)) failed=$((failed + bad))
done

echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
