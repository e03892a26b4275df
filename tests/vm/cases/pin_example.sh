#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The documentation's example driver and pinfold pins: seen while it pins, stamps arrive where the pages are, also after
# they moved; munmap takes them away. What is missing is told apart: registry, debugfs, privileges.
# vm: --mem 1G
# timeout: 180

# shellcheck source=tests/vm/lib/guest.sh
. "$PINFOLD_TOP/tests/vm/lib/guest.sh"

need python3 setpriv

run_expect_fail pinfold pins
[[ $ERR == *'modprobe pin_registry'* ]] || fail "not loaded: $ERR"
modprobe pin_example
umount /sys/kernel/debug
run_expect_fail pinfold pins
[[ $ERR == *'debugfs is not mounted'* ]] || fail "no debugfs: $ERR"
mount -t debugfs none /sys/kernel/debug
run_expect_fail setpriv --reuid 65534 --clear-groups pinfold pins
[[ $ERR == *'needs root'* ]] || fail "no privileges: $ERR"

python3 - <<'PY'
import ctypes, json, mmap, os, struct, subprocess, time

PAGE, NR = 4096, 64
libc = ctypes.CDLL(None, use_errno=True)

def pins(*args):
    out = subprocess.run(["pinfold", "pins", "--pinner", "example", *args], stdout=subprocess.PIPE, check=True)
    return json.loads(out.stdout)

def refused(where, error):
    fd = os.open("/dev/pin_example", os.O_RDWR)
    try:
        os.write(fd, struct.pack("QQ", *where))
    except OSError as e:
        assert e.errno == error, (where, e)
    else:
        raise AssertionError("%s was taken" % (where,))
    finally:
        os.close(fd)

def stamped(since):
    """All pages get a newer stamp, before long."""
    for _ in range(600):
        if all(struct.unpack_from("Q", m, i * PAGE)[0] > since for i in range(NR)):
            return
        time.sleep(0.1)
    raise AssertionError("no stamps newer than %d" % since)

def newest():
    return max(struct.unpack_from("Q", m, i * PAGE)[0] for i in range(NR))

def pfns():
    found = set()
    with open("/proc/self/pagemap", "rb") as f:
        f.seek(addr // PAGE * 8)
        for word in struct.unpack("%dQ" % NR, f.read(8 * NR)):
            found.add(word & (1 << 55) - 1)
    return found

m = mmap.mmap(-1, NR * PAGE, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
m.write(b"\0" * (NR * PAGE))
addr = ctypes.addressof(ctypes.c_char.from_buffer(m))

refused((addr + 1, PAGE), 22)
refused((addr, 0), 22)
refused((addr, 123), 22)
refused((2 ** 64 - PAGE, 2 * PAGE), 22)
refused((PAGE, PAGE), 14)
assert pins() == []

fd = os.open("/dev/pin_example", os.O_RDWR)
os.write(fd, struct.pack("QQ", addr, NR * PAGE))
stamped(0)
seen = pins()
assert sum(p["pages"] for p in seen) == NR, seen
assert all(p["kind"] == "user" and p["why"] == "stamp buffer" and p["write"] and p["pid"] == os.getpid()
           for p in seen), seen
before = pfns()
# A process for each page takes its time.
assert all(pins("--page", str(pfn)) for pfn in sorted(before)[::8])
assert pins("--longer-than", "1d") == []
assert sum(p["pages"] for p in pins("--longer-than", "1us")) == NR

# Shared memory may be taken out of the page tables and moved: compaction asks.
with open("/proc/sys/vm/compact_memory", "w") as f:
    f.write("1")
stamped(newest())
for _ in range(100):
    told = {p["pfn"] + i for p in pins() for i in range(p["pages"])}
    if told == pfns():
        break
    time.sleep(0.1)
assert told == pfns(), (told, pfns())
stats = json.loads(subprocess.run(["pinfold", "pins", "-s", "-p", "example"], stdout=subprocess.PIPE,
                                  check=True).stdout)[0]
print("pages at other places: %d, moves: %d" % (len(pfns() - before), stats["moves"]))
assert stats["pages"] == NR and stats["timeouts"] == 0, stats

libc.munmap.argtypes = ctypes.c_void_p, ctypes.c_size_t
assert libc.munmap(addr, NR * PAGE) == 0
assert pins() == []
stats = json.loads(subprocess.run(["pinfold", "pins", "-s", "-p", "example"], stdout=subprocess.PIPE,
                                  check=True).stdout)[0]
assert stats["revoked"] == NR, stats
assert stats["pins"] == 1 and not stats["ended"], stats
os.close(fd)
stats = json.loads(subprocess.run(["pinfold", "pins", "-s", "-p", "example"], stdout=subprocess.PIPE,
                                  check=True).stdout)[0]
# One pin has ended, which lived for longer than the compaction took.
assert stats["pins"] == 0 and sum(bar["pins"] for bar in stats["ended"]) == 1, stats
os._exit(0)     # Python does not know that its memory is gone.
PY
assert_eq "$(pinfold pins | tr -d '\n')" "[]" "pins left"
modprobe -r pin_example pin_registry
