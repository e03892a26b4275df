#!/bin/bash
# shellcheck disable=SC2015 # "a && b || fail" is meant: either failure counts
# SPDX-License-Identifier: GPL-2.0
#
# Host tests of the pinfold command, built with ASan and UBSan: command line,
# output, and everything that works on image files. Needs no kernel module and no
# privileges. Prints "N passed, N failed, N skipped" last.
#
# usage: tests/tool/run.sh [PATTERN]	run the tests whose name matches
set -u

top=$(cd "$(dirname "$0")/../.." && pwd)
pattern=${1:-.}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0 skipped=0

make --no-print-directory -s -C "$top/tools/pinfold" SANITIZE=1 >"$dir/build" 2>&1 || {
	cat "$dir/build"
	echo "not ok - the tool does not compile"
	echo "0 passed, 1 failed"
	exit 1
}
pinfold=$top/build/tools-asan/pinfold
# A finding of a sanitizer must not look like one of the tool's exit codes.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}exitcode=99
export UBSAN_OPTIONS=${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}exitcode=99

INFO0=4096 INFO1=1048576

# run ARGS...: the tool's exit code in $rc, its output in $dir/out and $dir/err
run()
{
	"$pinfold" "$@" >"$dir/out" 2>"$dir/err" </dev/null
	rc=$?
}

# The tests' own assertions; the first that fails names the reason.
fail()
{
	why=${why:-$*}
	return 1
}

# What cannot be tried here is no success.
skip()
{
	skipping=$*
	return 0
}

exits() { [ "$rc" -eq "$1" ] || fail "exit code $rc instead of $1"; }
says() { grep -qE -- "$1" "$dir/err" || fail "stderr lacks: $1"; }
silent() { [ ! -s "$dir/err" ] || fail "stderr not empty"; }
json() { python3 -m json.tool "$dir/out" >/dev/null 2>&1 || fail "no valid JSON"; }

# is EXPRESSION: a Python expression about the JSON output in o
is()
{
	python3 - "$dir/out" "$1" <<-'PY' >>"$dir/err" 2>&1 || fail "not true: $1"
	import json, sys
	o = json.load(open(sys.argv[1]))
	sys.exit(0 if eval(sys.argv[2]) else 1)
	PY
}

fresh() { rm -f "$dir/$1"; truncate -s "${2:-64M}" "$dir/$1"; }
image() { fresh "$1" "${2:-64M}" && run create "$dir/$1" && exits 0; }
poke() { printf '%b' "$3" | dd of="$dir/$1" bs=1 seek="$2" conv=notrunc status=none; }
zero() { dd if=/dev/zero of="$dir/$1" bs=4096 seek="$(($2 / 4096))" count=1 conv=notrunc status=none; }
same() { cmp -s "$dir/$1" "$dir/$2" || fail "$1 and $2 differ"; }

# edit IMAGE COPY FIELD-OFFSET SIZE VALUE: change a field and seal it again, as a
# newer or a broken writer would have done
edit()
{
	python3 - "$dir/$1" "$@" <<-'PY'
	import sys
	path, copy, at, size, value = sys.argv[1], *map(int, sys.argv[3:7])
	def crc32c(data):
	    crc = 0xffffffff
	    for byte in data:
	        crc ^= byte
	        for _ in range(8):
	            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
	    return crc ^ 0xffffffff
	with open(path, "r+b") as f:
	    f.seek((4096, 1 << 20)[copy])
	    block = bytearray(f.read(4096))
	    block[at:at + size] = value.to_bytes(size, "little")
	    block[4092:] = bytes(4)
	    block[4092:] = crc32c(block).to_bytes(4, "little")
	    f.seek((4096, 1 << 20)[copy])
	    f.write(block)
	PY
}

# Offsets of fields in struct pinfold_info_block.
MAJOR=16 MINOR=18 RO_COMPAT=32 INCOMPAT=40 SEQ=48 UUID=56 NS_SIZE=88 DATA_OFFSET=96

# --- command line -----------------------------------------------------------

test_no_arguments() { run; exits 2 && says '^usage:'; }
test_unknown_command() { run frobnicate; exits 2 && says 'frobnicate: unknown command'; }
test_unknown_option() { run create --frob x; exits 2 && says '--frob: unknown option'; }
test_unknown_letter() { run create -zf x; exits 2 && says '-z: unknown option'; }
test_missing_argument() { run create; exits 2 && says 'argument missing'; }
test_missing_value() { run create x --spare; exits 2 && says '--spare: argument missing'; }
test_needless_value() { run create x --force=1; exits 2 && says 'takes no argument'; }
test_surplus_argument() { run attach a b; exits 2 && says 'b: unexpected argument'; }
test_set_budget_size() { run set-budget namespace0.0 much; exits 2 && says 'not a size'; }
test_prefault_range() { run prefault x --range 1:y; exits 2 && says 'not OFFSET:LENGTH'; }

test_help()
{
	local cmd
	run help; exits 0 && silent || return 1
	grep -q 'usage: pinfold COMMAND' "$dir/out" || fail "no usage" || return 1
	for cmd in create destroy attach detach list status set-budget prefault trim relocate restore evacuate retire check raid pins version; do
		run "$cmd" --help; exits 0 && silent || return 1
		cp "$dir/out" "$dir/help"
		run help "$cmd"; exits 0 && same out help || return 1
		[ -e "$top/Documentation/man/pinfold-$cmd.1.adoc" ] || fail "no man page of $cmd" || return 1
	done
	run help frob; exits 2
}

# What --help says, the man page and the completion know, and no more.
test_documented()
{
	local cmd opt
	for cmd in create destroy attach detach list status set-budget prefault trim relocate restore evacuate retire check pins; do
		run "$cmd" --help
		sed -nE 's/^ +(-.,)? +(--[a-z-]+).*/\2/p' "$dir/out" >"$dir/options"
		while read -r opt; do
			[ "$opt" = --help ] || grep -q -- "$opt" "$top/Documentation/man/pinfold-$cmd.1.adoc" ||
				fail "$opt is not in pinfold-$cmd(1)" || return 1
			bash -c '. "$1"; _pinfold_options "$2"' - "$top/tools/completion/pinfold" "$cmd" |
				grep -q -- "$opt" || fail "$opt of $cmd is not completed" || return 1
		done <"$dir/options"
	done
}

test_completion()
{
	bash -c '. "$1"; COMP_WORDS=(pinfold se); COMP_CWORD=1; _pinfold; [ "${COMPREPLY[*]}" = set-budget ]' \
		- "$top/tools/completion/pinfold" || fail "se is not completed to set-budget"
}

test_version()
{
	run version; exits 0 && silent && json &&
		is "o['pinfold'] == '$(cat "$top/VERSION")' and o['format'] == '1.0'"
}

test_list_json() { run list; exits 0 && silent && json && is "type(o) is list"; }
test_status_json() { run status; exits 0 && silent && json && is "type(o) is list"; }

test_no_namespace()
{
	local cmd
	for cmd in attach detach destroy check create trim status relocate restore "evacuate -o 0" "retire -p 0x1000"; do
		# shellcheck disable=SC2086
		run $cmd namespace99.99; exits 1 || return 1
		says 'namespace99.99: (no such namespace|needs root)' || return 1
	done
}

test_no_privileges()
{
	[ "$(id -u)" -eq 0 ] || { skip 'not root'; return; }
	local cmd tool=$dir/open/pinfold
	mkdir -p "$dir/open" && cp "$pinfold" "$tool" && chmod 755 "$dir" "$dir/open" || return 1
	for cmd in attach detach destroy create check trim prefault relocate restore "evacuate -o 0" "retire -p 1"; do
		# LeakSanitizer would want to trace a process of another user.
		# shellcheck disable=SC2086
		ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 setpriv --reuid 65534 --clear-groups \
			"$tool" $cmd namespace0.0 >"$dir/out" 2>"$dir/err" </dev/null
		rc=$?
		exits 1 && says 'namespace0.0: needs root \(CAP_SYS_ADMIN\)' || return 1
	done
}

test_stdout_full()
{
	"$pinfold" version >/dev/full 2>"$dir/err"
	rc=$?
	exits 1 && says 'standard output: No space left'
}

# --- sizes ------------------------------------------------------------------

test_sizes_good()
{
	local size
	for size in 0 0x200000 2097152 2048K 2048k 2M 2MiB; do
		fresh img; run create -f "$dir/img" --spare "$size"; exits 0 || return 1
		is "o['spare_size'] == (0 if '$size' == '0' else 2 << 20)" || return 1
	done
	fresh img; run create -f "$dir/img" --spare 1; exits 0 && is "o['spare_size'] == 2 << 20"
}

test_sizes_bad()
{
	local size
	for size in '' x -1 +1 ' 1' 1X 1MB 1Mi 1.5G 0x 9223372036854775808 18446744073709551615 18446744073709551616 8388608T 1KK; do
		fresh img; cp "$dir/img" "$dir/before"
		run create -f "$dir/img" --spare "$size"; exits 2 && says 'not a size' || return 1
		same img before || return 1
	done
}

# Sizes that can be read, but that no namespace has: no overflow on the way.
test_sizes_huge()
{
	local size
	for size in 64M 63M 1T 8388607T 9223372036854775807; do
		fresh img; run create -f "$dir/img" --spare "$size"
		exits 1 && says 'too small' || return 1
	done
}

# --- create on image files --------------------------------------------------

test_create()
{
	image img 2G && silent && json &&
		is "o['size'] == 2 << 30 and o['spare_size'] == 2 << 20 and o['version'] == '1.0'" &&
		run check "$dir/img" && exits 0 && silent && json && is "o['good']" &&
		is "o['data_offset'] % (2 << 20) == 0 and o['data_size'] % (2 << 20) == 0" &&
		is "[c['verdict'] for c in o['copies']] == ['valid', 'valid']"
}

test_create_human() { fresh img 1G; run create -u "$dir/img"; exits 0 && is "o['size'] == '1024.00 MiB (1.07 GB)' or o['size'] == '1.00 GiB (1.07 GB)'"; }
test_create_smallest() { image img 16M && run check "$dir/img" && exits 0; }

test_create_too_small()
{
	local size
	for size in 0 1 4095 4096 8192 1M 2M 4M 15M 16773120; do
		fresh img "$size"; run create -f "$dir/img"; exits 1 && says 'too small' || return 1
		run check "$dir/img"; exits 1 && json && is "not o['good']" || return 1
	done
}

# Without a terminal nobody can say yes.
test_create_asks()
{
	image img && cp "$dir/img" "$dir/before" && run create "$dir/img"
	exits 1 && says 'found on it: pinfold namespace' && says 'use --force' && same img before
}

test_create_answer()
{
	script -qec true /dev/null >/dev/null 2>&1 || { skip 'no terminal to be had'; return; }
	image img && cp "$dir/img" "$dir/before" || return 1
	echo n | script -qec "$pinfold create $dir/img" /dev/null >"$dir/out" && fail "no is no" && return 1
	same img before || return 1
	echo y | script -qec "$pinfold create $dir/img" /dev/null >"$dir/out" || fail "yes is yes" || return 1
	cmp -s "$dir/img" "$dir/before" && fail "nothing was written"
	run check "$dir/img"; exits 0
}

unsigned() { [ -z "$(PATH=$PATH:/usr/sbin:/sbin wipefs "$dir/img")" ] || fail "signatures are left"; }

test_create_wipes_ext4()
{
	fresh img && PATH=$PATH:/usr/sbin:/sbin mkfs.ext4 -qF "$dir/img" || return 1
	run create "$dir/img"; exits 1 && says 'found on it: ext4' || return 1
	run create -f "$dir/img"; exits 0 && unsigned && run check "$dir/img" && exits 0
}

# A RAID's signature close to the end, far from our metadata.
test_create_wipes_end()
{
	fresh img && poke img $(((64 << 20) - 63 * 512)) 'Promise Technology, Inc.' || return 1
	run create "$dir/img"; exits 1 && says 'found on it: promise' || return 1
	run create -f "$dir/img"; exits 0 && unsigned && run check "$dir/img" && exits 0
}

test_create_finds_libnvdimm()
{
	local sig
	for sig in NVDIMM_PFN_INFO NVDIMM_DAX_INFO BTT_ARENA_INFO; do
		fresh img; poke img $INFO0 "$sig\0\0"
		run create "$dir/img"; exits 1 && says 'btt, pfn or dax' || return 1
	done
	fresh img; poke img 0 'BTT_ARENA_INFO\0\0'
	run create "$dir/img"; exits 1 && says 'found on it: btt' || return 1
	run create -f "$dir/img"; exits 0
}

test_create_twice_differs()
{
	image img && cp "$dir/out" "$dir/first" && run create -f "$dir/img" && exits 0 &&
		! cmp -s "$dir/out" "$dir/first" || fail "the uuid is the same"
}

test_create_unwritable()
{
	fresh img; chmod 400 "$dir/img"
	[ "$(id -u)" -ne 0 ] || { skip 'root may write it'; return; }
	run create "$dir/img"; exits 1 && says 'Permission denied'
}

# --- check ------------------------------------------------------------------

test_check_copy0() { image img && poke img $((INFO0 + 100)) x && run check "$dir/img"; exits 1 && says 'copy 0 is corrupt, copy 1 is used' && json && is "not o['good'] and o['verdict'] == 'pinfold namespace'"; }
test_check_copy1() { image img && poke img $((INFO1 + 4000)) x && run check "$dir/img"; exits 1 && says 'copy 1 is corrupt, copy 0 is used' && json; }
test_check_copy1_zeroed() { image img && zero img $INFO1 && run check "$dir/img"; exits 1 && says 'copy 1 is no pinfold info block, copy 0 is used'; }
test_check_both() { image img && poke img $((INFO0 + 100)) x && poke img $((INFO1 + 100)) x && run check "$dir/img"; exits 1 && says 'both info blocks are damaged' && json; }
test_check_reused() { image img && zero img $INFO0 && run check "$dir/img"; exits 1 && says 'overwritten' && json; }
test_check_foreign() { image img && poke img $INFO0 'NVDIMM_PFN_INFO\0' && run check "$dir/img"; exits 1 && says 'not a pinfold namespace' && json; }
test_check_missing() { run check "$dir/none"; exits 1 && says 'none: No such file'; }
test_check_directory() { run check "$dir"; exits 1 && says 'neither a file nor a block device'; }
test_check_null() { run check /dev/null; exits 1 && says 'neither a file nor a block device'; }
test_check_truncated() { image img && truncate -s 32M "$dir/img" && run check "$dir/img"; exits 1 && says 'larger namespace'; }
test_check_grown() { image img && truncate -s 65M "$dir/img" && run check "$dir/img"; exits 0; }

test_check_swapped()
{
	image img && dd if="$dir/img" of="$dir/img" bs=4096 skip=1 seek=256 count=1 conv=notrunc status=none
	run check "$dir/img"; exits 1 && says "copy 1 is belongs to|copy 1 is .*other copy" && json
}

test_check_newer_major() { image img && edit img 0 $MAJOR 2 2 && edit img 1 $MAJOR 2 2 && run check "$dir/img"; exits 1 && says 'unsupported format version' && json && is "o['version'] == '2.0'"; }
test_check_newer_minor() { image img && edit img 0 $MINOR 2 9 && edit img 1 $MINOR 2 9 && run check "$dir/img"; exits 0 && is "o['version'] == '1.9'"; }
test_check_incompat() { image img && edit img 0 $INCOMPAT 8 2 && edit img 1 $INCOMPAT 8 2 && run check "$dir/img"; exits 1 && says 'unknown incompatible features'; }
test_check_ro_compat() { image img && edit img 0 $RO_COMPAT 8 1 && edit img 1 $RO_COMPAT 8 1 && run check "$dir/img"; exits 0 && is "'read-only' in o['copies'][0]['verdict']"; }
test_check_geometry() { image img && edit img 0 $DATA_OFFSET 8 4096 && edit img 1 $DATA_OFFSET 8 4096 && run check "$dir/img"; exits 1 && says 'impossible layout'; }
test_check_conflict() { image img && edit img 1 $UUID 8 1 && run check "$dir/img"; exits 1 && says 'different instances'; }
test_check_outdated() { image img && edit img 0 $SEQ 8 7 && run check "$dir/img"; exits 1 && says 'copy 1 is outdated, copy 0 is used' && is "o['seq'] == 7"; }

# Seeded, so that a failure can be repeated.
test_check_random()
{
	local i
	for i in $(seq 1 20); do
		python3 -c "
import random, sys
r = random.Random($i)
sys.stdout.buffer.write(r.randbytes(2 << 20))" >"$dir/img"
		truncate -s 64M "$dir/img"
		run check "$dir/img"; exits 1 && json && says 'not a pinfold namespace' || return 1
	done
}

# What passes the checksum is judged field by field.
test_check_fields()
{
	local field value
	image img && cp "$dir/img" "$dir/good" || return 1
	for field in $(seq $NS_SIZE 8 $((NS_SIZE + 56))); do
		for value in 1 4611686018429485056 9223372036854775807; do
			cp --sparse=always "$dir/good" "$dir/img"
			edit img 0 "$field" 8 $value && edit img 1 "$field" 8 $value
			run check "$dir/img"; exits 1 && json || return 1
		done
	done
}

# --- repair -----------------------------------------------------------------

test_repair_copy0() { image img && cp "$dir/img" "$dir/good" && poke img $((INFO0 + 100)) x && run check -rf "$dir/img"; exits 0 && silent && json && is "o['good'] and o['repaired']" && same img good; }
test_repair_copy1() { image img && cp "$dir/img" "$dir/good" && poke img $((INFO1 + 100)) x && run check --repair --force "$dir/img"; exits 0 && same img good; }
test_repair_good() { image img && cp "$dir/img" "$dir/good" && run check -rf "$dir/img"; exits 0 && same img good && is "'repaired' not in o"; }
test_repair_asks() { image img && poke img $((INFO0 + 100)) x && cp "$dir/img" "$dir/before" && run check -r "$dir/img"; exits 1 && says 'use --force' && json && same img before; }
test_repair_outdated() { image img && edit img 0 $SEQ 8 7 && run check -rf "$dir/img"; exits 0 && is "o['copies'][1]['seq'] == 7"; }
test_repair_reused() { image img && cp "$dir/img" "$dir/good" && zero img $INFO0 && run check -r "$dir/img"; exits 1 && run check -rf "$dir/img" && exits 0 && same img good; }

# In doubt, nothing is written.
test_repair_refused()
{
	local how
	for how in "poke img $((INFO0 + 100)) x; poke img $((INFO1 + 100)) x" \
		   "edit img 0 $MAJOR 2 2; poke img $((INFO1 + 100)) x" \
		   "edit img 0 $INCOMPAT 8 2; edit img 0 $SEQ 8 2" \
		   "edit img 0 $RO_COMPAT 8 1; edit img 0 $SEQ 8 2" \
		   "edit img 1 $UUID 8 1" \
		   "poke img $INFO0 'BTT_ARENA_INFO\0\0'" \
		   "zero img $INFO0; edit img 1 $INCOMPAT 8 2"; do
		image img && eval "$how" && cp "$dir/img" "$dir/before" && run check -rf "$dir/img"
		exits 1 && json && same img before || { why="$why: $how"; return 1; }
	done
}

# --- remap table --------------------------------------------------------------

remap() { "$top/tests/tool/remap.py" "$dir/$1" "${@:2}"; }

# An image with 512 slots whose table is in use: page 3 in slot 5, page 70 in slot
# 200 and never home again, slot 6 retired.
remapped()
{
	fresh img; run create -f "$dir/img" --spare 2M; exits 0 || return 1
	remap img activate
	remap img set both 5 3 claimed
	remap img set both 200 70 claimed home-retired gen=15
	remap img set both 6 slot-retired
	cp "$dir/img" "$dir/good"
}

test_table_unused() { fresh img; run create -f "$dir/img" --spare 2M; run check "$dir/img"; exits 0 && silent && is "o['remap_table'] == {'verdict': 'not in use'}"; }
test_table_without_spare() { image img && edit img 0 $INCOMPAT 8 1 && edit img 1 $INCOMPAT 8 1 && run check "$dir/img"; exits 1 && says 'impossible layout'; }

test_table_good()
{
	remapped && run check "$dir/img"; exits 0 && silent && json && is "o['good']" &&
		is "o['remap_table'] == {'verdict': 'good', 'slots': 512, 'remapped': 2, 'slots_retired': 1, 'homes_retired': 1}" &&
		run check -rf "$dir/img" && exits 0 && same img good && is "'repaired' not in o"
}

# mends DAMAGE...: check finds it and changes nothing, repair makes the image as it was
mends()
{
	remapped && eval "$*" && cp "$dir/img" "$dir/before" && run check "$dir/img"
	exits 1 && says "remap table: .*'pinfold check --repair $dir/img'" && json && is "not o['good']" && same img before || return 1
	run check -r "$dir/img"; exits 1 && says 'use --force' && same img before || return 1
	run check -rf "$dir/img"; exits 0 && silent && json && is "o['good'] and o['repaired']" && same img good || return 1
	run check "$dir/img"; exits 0
}

test_table_byte0() { mends remap img bytes 0 5 ff; }
test_table_byte1() { mends remap img bytes 1 200 00; }
test_table_zeroed_line() { mends remap img bytes 0 0 "$(printf '%0128d' 0)"; }
test_table_other_mirror() { mends "remap img bytes 0 5 ff; remap img bytes 1 6 ff"; }
test_table_misplaced() { mends "dd if=$dir/img of=$dir/img bs=8 skip=262149 seek=262199 count=1 conv=notrunc status=none"; }
test_table_behind() { mends remap img set 1 5 0; }
test_table_owner() { mends remap img set 0 5 0xffffffffff claimed; }
test_table_mirror_gone() { mends "dd if=/dev/zero of=$dir/img bs=4096 seek=512 count=1 conv=notrunc status=none"; }

# Mirror 0 is newer, whatever it says.
test_table_rolls_forward()
{
	remapped && remap img set 0 5 0 && remap img set 0 9 8 claimed && run check -rf "$dir/img"
	exits 0 && is "o['remap_table']['remapped'] == 2" && remap img dump 0 >"$dir/m0" && remap img dump 1 >"$dir/m1" &&
		same m0 m1 && grep -q '^9 0x10000000008 sealed' "$dir/m0" || fail "no claim of slot 9"
}

test_table_halfway()
{
	remapped && remap img set both 11 70 claimed home-retired gen=0 && run check "$dir/img"
	exits 1 && is "o['remap_table']['moves_halfway'] == 1 and o['remap_table']['remapped'] == 2" &&
		run check -rf "$dir/img" && exits 0 && is "o['remap_table']['homes_retired'] == 1" &&
		remap img dump 1 >"$dir/m1" && grep -q '^11 ' "$dir/m1" && ! grep -q '^200 ' "$dir/m1" || fail "not moved on"
}

# Nor is what else there would be to mend.
test_table_conflict()
{
	remapped && remap img set both 11 3 claimed gen=7 && remap img bytes 1 200 00 && cp "$dir/img" "$dir/before"
	run check -rfg "$dir/img"; exits 1 && says 'page 3 is in two spare pages' && json && same img before
}

test_table_lost()
{
	remapped && remap img bytes both 5 ff && cp "$dir/img" "$dir/before"
	run check -rf "$dir/img"; exits 1 && says '1 entries are lost in both mirrors, the first is that of spare page 5' && same img before || return 1
	run check -rfg "$dir/img"; exits 0 && is "o['remap_table']['slots_retired'] == 2 and o['remap_table']['remapped'] == 1" || return 1
	run check "$dir/img"; exits 0
}

# The table of another instance.
test_table_of_another()
{
	remapped && dd if="$dir/img" of="$dir/table" bs=4096 skip=512 count=2 status=none &&
		run create -f "$dir/img" --spare 2M && remap img activate &&
		dd if="$dir/table" of="$dir/img" bs=4096 seek=512 count=2 conv=notrunc status=none
	run check "$dir/img"; exits 1 && says 'entries are lost'
}

# First the info block, then the table.
test_table_and_info()
{
	remapped && poke img $((INFO0 + 100)) x && remap img bytes 0 5 ff && run check -rf "$dir/img"
	exits 0 && silent && is "o['good'] and o['repaired']" && same img good
}

test_table_read_only()
{
	remapped && edit img 0 $RO_COMPAT 8 1 && edit img 1 $RO_COMPAT 8 1 && remap img bytes 0 5 ff && cp "$dir/img" "$dir/before"
	run check -rf "$dir/img"; exits 1 && same img before
}

# --- prefault ---------------------------------------------------------------

test_prefault_elsewhere() { fresh img; run prefault "$dir/img"; exits 1 && says 'not on a pinfold namespace'; }
test_prefault_missing() { run prefault "$dir/none"; exits 1 && says 'No such file'; }
test_prefault_directory() { run prefault "$dir"; exits 1 && says 'not a regular file'; }
test_prefault_behind() { fresh img 1M; run prefault "$dir/img" -r 2M:1; exits 1 && says 'behind the end'; }

# --- moving pages -------------------------------------------------------------

test_move_elsewhere()
{
	local cmd
	fresh img
	for cmd in relocate restore; do
		run "$cmd" "$dir/img"; exits 1 && says 'img: is not on a pinfold namespace' || return 1
		run "$cmd" "$dir/none"; exits 1 && says 'none: No such file' || return 1
		run "$cmd" "$dir"; exits 1 && says 'not a regular file' || return 1
		run "$cmd" "$dir/img" --offset 65M; exits 1 && says 'behind the end' || return 1
	done
}

test_move_usage()
{
	local cmd
	for cmd in relocate restore evacuate retire; do
		run "$cmd"; exits 2 && says 'argument missing' || return 1
		run "$cmd" a b; exits 2 && says 'b: unexpected argument' || return 1
		run "$cmd" x --offset y; exits 2 && says '--offset y: not a size' || return 1
		run "$cmd" x --length -1; exits 2 && says '--length -1: not a size' || return 1
		run "$cmd" x --rate fast; exits 2 && says '--rate fast: not a size' || return 1
	done
	for cmd in relocate restore; do
		run "$cmd" x --physical 4096; exits 2 && says '--physical: unknown option' || return 1
	done
	for cmd in evacuate retire; do
		run "$cmd" x; exits 2 && says 'needs either --offset or --physical' || return 1
		run "$cmd" x --length 4K; exits 2 && says 'needs either' || return 1
		run "$cmd" x --offset 0 --physical 0; exits 2 && says 'needs either' || return 1
		run "$cmd" x --physical 0xyz; exits 2 && says '--physical 0xyz: not a size' || return 1
	done
}

# Media are not files.
test_move_media_of_file() { fresh img; run evacuate -o 0 "$dir/img"; exits 1 && says 'img: (no such namespace|needs root)'; }

# --- pins, from captured files ------------------------------------------------

# pins ARGS...: as run pins, with the files in tests/tool/pin_registry
pins() { PINFOLD_DEBUGFS=$top/tests/tool run pins "$@"; }
# garble FILE TEXT: a registry whose FILE has TEXT
garble() { mkdir -p "$dir/reg/pin_registry" && echo "$2" >"$dir/reg/pin_registry/$1"; }

test_pins() { pins; exits 0 && silent && json && is "len(o) == 6 and o[0]['pinner'] == 'pf_store' and o[0]['size'] == 4096"; }
test_pins_parts() { pins -p example; exits 0 && is "[(p['pfn'], p['first_page'], p['pages'], p['total_pages']) for p in o[:2]] == [(1074432, 0, 256, 512), (1076736, 256, 256, 512)] and o[0]['pin'] == o[1]['pin']"; }
test_pins_human() { pins -u; exits 0 && json && is "o[0]['pfn'].startswith('0x') and o[0]['age_ns'].endswith(' s') and 'KiB' in o[0]['size']"; }
test_pins_why() { pins --pinner odd; exits 0 && is "o[0]['why'] == 'a\\tb \\\\ c=d' and o[0]['kind'] == 'user' and not o[0]['write']"; }
test_pins_class() { pins --class reclaim; exits 0 && is "len(o) == 2 and {p['class'] for p in o} == {'reclaim'}"; }
test_pins_nobody() { pins --pinner nobody; exits 0 && is "o == []"; }

test_pins_page()
{
	pins --page 0x106500; exits 0 && is "[p['first_page'] for p in o] == [0]" || return 1
	pins -P 1074687; exits 0 && is "len(o) == 1" || return 1
	pins -P 1074688; exits 0 && is "o == []"
}

test_pins_longer()
{
	pins --longer-than 10s; exits 0 && is "len(o) == 3" || return 1
	pins -l 2m -c device-io; exits 0 && is "len(o) == 2" || return 1
	pins -l 1d; exits 0 && is "o == []"
}

test_pins_statistics()
{
	pins -s; exits 0 && json && is "[p['pinner'] for p in o] == ['pf_store', 'example', 'odd', 'idle']" || return 1
	pins -s -p example; exits 0 && is "o[0]['moves'] == 41 and o[0]['ended'] == [{'below_ns': 1000, 'pins': 2}, {'below_ns': 1048576000, 'pins': 7}]" || return 1
	pins -s -p idle; exits 0 && is "o[0]['pins'] == 0 and o[0]['ended'] == []"
}

test_pins_usage()
{
	local arg
	for arg in x -1 0x 1k 99999999999999999999; do
		pins --page "$arg"; exits 2 && says 'not a page frame number' || return 1
	done
	for arg in x -1 1.5s 10y 10S '1 s' 99999999999999999999s 9999999999999999d; do
		pins --longer-than "$arg"; exits 2 && says 'not a time' || return 1
	done
	pins --class dma; exits 2 && says 'not one of mlock, reclaim' || return 1
	pins -s -P 1; exits 2 && says 'goes with --pinner' || return 1
	pins x; exits 2 && says 'unexpected argument'
}

test_pins_garbled()
{
	local line
	for line in 'pin' '' 'pin=1 pfn=x' 'pfn=0x1' "$(printf 'a=1 %.0s' $(seq 40))"; do
		garble pins "$line"; PINFOLD_DEBUGFS=$dir/reg run pins
		exits 1 && says 'pins: line 1 is not understood' || return 1
	done
	for line in 'pinner=x' 'pinner=x pins=1 pages=1 moves=1 refused=1 timeouts=1 revoked=1 age_us=<1:' \
		    'pinner=x pins=1 pages=1 moves=1 refused=1 timeouts=1 revoked=1'; do
		garble statistics "$line"; PINFOLD_DEBUGFS=$dir/reg run pins -s
		exits 1 && says 'statistics: line 1 is not understood' || return 1
	done
}

test_pins_no_debugfs()
{
	PINFOLD_DEBUGFS=$dir/none run pins; exits 1 && says 'none: debugfs is not mounted here; .mount -t debugfs' || return 1
	mkdir -p "$dir/empty"; PINFOLD_DEBUGFS=$dir/empty run pins; exits 1 && says 'debugfs is not mounted'
}

test_pins_no_privileges()
{
	[ "$(id -u)" -eq 0 ] || { skip 'not root'; return; }
	garble pins 'pin=1' && chmod 700 "$dir/reg/pin_registry" && cp "$pinfold" "$dir/reg/pinfold" &&
		chmod 755 "$dir" "$dir/reg" "$dir/reg/pinfold" || return 1
	PINFOLD_DEBUGFS=$dir/reg ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 \
		setpriv --reuid 65534 --clear-groups "$dir/reg/pinfold" pins >"$dir/out" 2>"$dir/err" </dev/null
	rc=$?
	exits 1 && says 'pins: needs root; run it with sudo'
}

# --- arrays -----------------------------------------------------------------

test_raid_usage()
{
	local verb
	run raid; exits 2 && says '^usage: pinfold raid VERB' || return 1
	run raid dance; exits 2 && says 'dance: unknown verb' || return 1
	run raid create r a b; exits 2 && says '--level' || return 1
	run raid create --level 5; exits 2 && says 'argument missing' || return 1
	run raid create --level 5 --chunk 1000 r a b; exits 2 && says 'multiple of 4K' || return 1
	for verb in create assemble stop status fail remove add replace write-mostly throttle grow scrub; do
		run raid "$verb" --help; exits 0 && silent || return 1
		sed -nE 's/^ +(-.,)? +(--[a-z-]+).*/\2/p' "$dir/out" | while read -r opt; do
			[ "$opt" = --help ] || grep -q -- "$opt" "$top/Documentation/man/pinfold-raid.1.adoc" ||
				fail "$opt is not in pinfold-raid(1)" || return 1
			bash -c '. "$1"; _pinfold_raid_options "$2"' - "$top/tools/completion/pinfold" "$verb" |
				grep -q -- "$opt" || fail "$opt of $verb is not completed" || return 1
		done || return 1
	done
}

# raid_images NUMBER [OPTION...]: legs r0, r1, ... with superblocks
raid_images()
{
	local nr=$1 i
	shift
	legs=()
	for ((i = 0; i < nr; i++)); do
		fresh "r$i" 16M
		legs+=("$dir/r$i")
	done
	run raid create -N "$@" r "${legs[@]}" && exits 0 && silent
}

test_raid_create() { raid_images 4 -l raid5 && cmp -s "$dir/r0" "$dir/r1" && fail "legs have the same superblock"; raid_images 3 -l 1; }

test_raid_shapes()
{
	raid_images 2 -l raid5; exits 1 && says 'too few legs' || return 1
	raid_images 3 -l raid6; exits 1 && says 'too few legs' || return 1
	raid_images 3 -l raid10 -n 4; exits 1 && says 'at most one on each leg' || return 1
	raid_images 3 -l raid5 -c 12K; exits 1 && says 'power of two' || return 1
	raid_images 3 -l raid5 -s 1G; exits 1 && says 'smaller than the size' || return 1
	raid_images 2 -l raid1 -w 2; exits 1 && says 'roles from 0 to 1' || return 1
	raid_images 3 -l raid5 -w 1; exits 1 && says 'can be write-mostly' || return 1
	raid_images 3 -l raid1 -w 0,2 || return 1
	fresh r0 1M; run raid create -N -l 1 r "$dir/r0" "$dir/r1"; exits 1 && says 'too small'
}

test_raid_asks() { raid_images 3 -l raid5 && run raid create -N -l 1 r "${legs[@]}"; exits 1 && says 'leg of an array' && says 'use --force'; }

# What does not belong is refused before device-mapper is asked.
test_raid_refuses()
{
	raid_images 4 -l raid5 && cp "$dir/r3" "$dir/old" || return 1
	run raid assemble r "${legs[@]:0:2}"; exits 1 && says 'too few legs' || return 1
	run raid assemble r "${legs[@]:0:3}"; exits 1 && says 'use --degraded' || return 1
	run raid assemble r "${legs[@]}" "$dir/old"; exits 1 && says 'has role 3' || return 1
	truncate -s 8M "$dir/r2"
	run raid assemble r "${legs[@]}"; exits 1 && says 'smaller than it was' || return 1
	zero r2 4096; zero r2 65536
	run raid assemble r "${legs[@]}"; exits 1 && says 'no superblock' || return 1
	raid_images 3 -l raid5 && cp "$dir/r0" "$dir/other" && raid_images 3 -f -l raid5 || return 1
	run raid assemble r "$dir/other" "${legs[@]:1}"; exits 1 && says 'another array'
}

# --- running them -----------------------------------------------------------

for name in $(declare -F | sed -n 's/^declare -f test_//p' | grep -E -- "$pattern"); do
	why='' skipping=''
	"test_$name"
	rc=$?
	if [ $rc -ne 0 ]; then
		echo "not ok - $name: ${why:-failed}"
		sed 's/^/    /' "$dir/err" 2>/dev/null | head -20
		failed=$((failed + 1))
	elif [ -n "$skipping" ]; then
		echo "skip - $name: $skipping"
		skipped=$((skipped + 1))
	else
		echo "ok - $name"
		passed=$((passed + 1))
	fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
