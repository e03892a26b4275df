#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Fuzz every decoder of untrusted bytes. Without FUZZ_SECONDS: a short run, the
# same for the same FUZZ_SEED (1). With it: so long each, and what was found goes
# on growing in build/fuzz/corpus/.
#
# An input that fails is left in build/fuzz/; "build/fuzz/NAME FILE" repeats it.
set -u

top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top" || exit 1
out=build/fuzz
runs=${FUZZ_RUNS:-40000}
seed=${FUZZ_SEED:-1}
passed=0 failed=0 inputs=0

make --no-print-directory -s -C tests/fuzz || {
	echo "not ok - the fuzzers do not compile; clang is in tests/deps.sh"
	echo "0 passed, 1 failed"
	exit 1
}
rm -rf $out/seeds
tests/fuzz/seeds.py $out/seeds || exit 1

for name in $(make --no-print-directory -s -C tests/fuzz names); do
	args=(-timeout=10 -rss_limit_mb=1024 -max_len=8400 -print_final_stats=1
		-artifact_prefix="$out/$name-")
	if [ -n "${FUZZ_SECONDS:-}" ]; then
		mkdir -p "$out/corpus/$name"
		args+=(-max_total_time="$FUZZ_SECONDS" "$out/corpus/$name")
	else
		args+=(-runs="$runs" -seed="$seed")
	fi
	if "$out/$name" "${args[@]}" "$out/seeds/$name" >"$out/$name.log" 2>&1; then
		tried=$(sed -n 's/^stat::number_of_executed_units: *//p' "$out/$name.log")
		cov=$(sed -nE 's/.* cov: ([0-9]+) .*/\1/p' "$out/$name.log" | tail -n 1)
		echo "ok - $name: $tried inputs, $cov edges reached"
		inputs=$((inputs + tried))
		passed=$((passed + 1))
	else
		echo "not ok - $name, seed $seed"
		tail -n 40 "$out/$name.log" | sed 's/^/  /'
		failed=$((failed + 1))
	fi
done

[ "$inputs" -eq 0 ] || echo "tried $inputs inputs"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
