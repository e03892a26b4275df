# SPDX-License-Identifier: GPL-2.0
"""What in a kernel log means that something went wrong."""

import re

BAD = re.compile("|".join((
    r"WARNING:", r"\bBUG\b", r"\bOops\b", r"Kernel panic", r"INFO: task", r"INFO: rcu", r"blocked for more than",
    r"self-detected stall", r"detected stalls", r"soft lockup", r"hard LOCKUP",
    r"possible (circular|recursive|irq lock)", r"lock held when returning", r"still has locks held",
    r"suspicious RCU", r"inconsistent lock state", r"Invalid wait context", r"DEBUG_LOCKS_WARN_ON",
    r"bad unlock balance",
    r"KASAN:", r"KCSAN:", r"KMSAN:", r"UBSAN:", r"unreferenced object", r"memory leak", r"refcount_t:",
    r"general protection", r"Call Trace:", r"Unable to handle", r"unable to handle", r"divide error",
    r"invalid opcode", r"double fault", r"stack segment", r"traps: .*kernel",
    r"slab-\S+", r"(Bad|bad) page", r"Object (padding|Freepointer|corrupt)", r"(Right|Left) Redzone",
    r"still has objects", r"Objects remaining", r"INFO: Slab", r"dumped because", r"Poison overwritten",
    r"Padding overwritten", r"Object already free", r"pagealloc: ", r"page_?poison", r"list_(add|del) corruption",
    r"Out of memory", r"invoked oom-killer", r"sleeping function called", r"scheduling while atomic",
    r"voluntary context switch within RCU", r"EXT4-fs error", r"EXT4-fs \(\S+\): .*(corrupt|inconsisten)",
    r"XFS \(\S+\): .*([Cc]orrupt|Assert|shut ?down)", r"Machine check|\[Hardware Error\]", r"Memory failure",
    r"Uncorrected", r"module .* still referenced", r"ODEBUG:", r"VFS: Busy inodes", r"Internal error",
    r"nobody cared", r"workqueue: .*(lockup|hogged)", r"trying to register non-static key",
)))

# Said by an ordinary boot of these kernels with our command line, and harmless.
FINE = re.compile("|".join((
    r"Command line:", r"Kernel command line:", r"slub_debug", r"Unknown kernel command line", r"pinfold-vm: expect ",
    r"page_poison", r"BUGs? *:? *(Mitigation|Not affected)", r"mem auto-init", r"pinfold-vm: ",
    r"memory leak detector (initialized|disabled)",
)))


# A report of KCSAN goes from its title to a rule. The kernel has races of its own, many by the strict rules that ours
# are held to: a report counts if a plain access, or who called for it, is in one of our modules. A marked one of ours
# is in order; that the other is plain is the other's.
RACE = re.compile(r"BUG: KCSAN: ")
RULE = re.compile(r"={60,}")
ACCESS = re.compile(r"(read|write|assert no).* of \d+ bytes by (task|interrupt)|race at unknown origin")
FRAME = re.compile(r" \S+\+0x[0-9a-f]+/0x[0-9a-f]+")
OURS = re.compile(r"\[(nd_pinfold|dax_backing|dax_dmabuf|pin_registry|dm_pfn_raid|pf_\w+|pin_example|edu)\]")
# The clock for all contexts: it reads what an update may change, and finds out that it has to read again.
LATCHED = re.compile(r" ktime_get_mono_fast_ns\+0x")
# That of the access, those of list, tree and memory functions that were called to make it, and their caller's.
FRAMES = 3
MOST_LINES = 200


def is_foreign(report):
    """Is a report, a list of lines, about what is not ours? One without an end counts."""
    left = 0
    for line in report:
        if ACCESS.search(line):
            left = 0 if "(marked)" in line else FRAMES
        elif left == FRAMES and LATCHED.search(line):
            left = 0
        elif left and FRAME.search(line):
            left -= 1
            if OURS.search(line):
                return False
        elif RULE.search(line):
            return True
    return False


def without_foreign_races(lines):
    """Of such a report nothing goes but title and stacks: others may have said something meanwhile."""
    foreign = False
    for i, line in enumerate(lines):
        if RACE.search(line):
            foreign = is_foreign(lines[i + 1:i + MOST_LINES])
        if RULE.search(line):
            foreign = False
        if not foreign or not (RACE.search(line) or FRAME.search(line)):
            yield line


def strip(line):
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]|\x1b\[[0-9;?]*[A-Za-z]", "", line)


def scan(lines, expect=()):
    """(bad lines, expected regexes that never matched); one that begins with ? need not match."""
    rules = [re.compile(e.removeprefix("?")) for e in expect]
    met = set()
    bad = []
    for line in without_foreign_races([strip(x) for x in lines]):
        allowed = False
        for i, rule in enumerate(rules):
            if rule.search(line):
                met.add(i)
                allowed = True
        if not allowed and BAD.search(line) and not FINE.search(line):
            bad.append(line)
    return bad, [e for i, e in enumerate(expect) if i not in met and not e.startswith("?")]
