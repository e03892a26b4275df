#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Who may do what: nobody, unknown arguments, senseless ioctls.
# vm: --mem 2G --nvdimm 4G --nvdimm 1G --disk 256M --nvme 256M
# timeout: 300
# group: data

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

pinfold_use 4G
nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups -- "$PINFOLD_TOP/build/tools/pinfold" "$@"
}

for words in "create $NS" "destroy --force $NS" "attach $NS" "detach $NS" "set-budget $NS 1M" "trim $NS" \
	"prefault $NS" "check $NS"; do
	# shellcheck disable=SC2086
	run_expect_fail nobody $words
	echo "$ERR" | grep -q "$NS: needs root (CAP_SYS_ADMIN)" || fail "$words by nobody: $ERR"
	printf 'nobody: %s: %s\n' "$words" "$ERR"
done
assert_eq "$(driver_of "$NS")" nd_pinfold "driver after nobody's tries"
nobody list | grep -q "\"dev\":\"$NS\"" || fail "nobody may list"
nobody status "$NS" | grep -q populated_bytes || fail "nobody may see the status"

# usage WORDS...: exit status of a wrong command line, and a word about it
usage() {
	run_expect_fail pinfold "$@"
	echo "$ERR" | grep -qE "usage|help|unknown" || fail "pinfold $*: $ERR"
}
usage
usage frobnicate
usage create
usage create --no-such-option "$NS"
usage create --spare many "$NS"
usage create "$NS" "$NS"
usage trim --bytes
usage prefault --range x:y "$NS"
run_expect_fail pinfold status namespace77.0
echo "$ERR" | grep -q namespace77.0 || fail "unknown namespace: $ERR"
run_expect_fail pinfold attach /dev/null
run_expect_fail pinfold status "$NS" "$NS"

pf badioctl "$DEV"
assert_populated "$BASE" "after all of this"

# create asks before it destroys; without a terminal nobody answers.
tool detach "$NS"
tool attach "$NS"
mkfs.ext4 -q -F "$DEV" 64M
run_expect_fail pinfold destroy "$NS"
assert_eq "$(driver_of "$NS")" nd_pinfold "driver after an unanswered question"
use_region 1G
ns_raw "$NS"
mkfs.ext4 -q -F "$DEV" 64M
run_expect_fail pinfold create "$NS"
echo "$ERR" | grep -qi "ext4" || fail "create does not name the file system it found: $ERR"
blkid "$DEV" | grep -q ext4 || fail "the file system is gone"
wipefs -qa "$DEV"
