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
)))


def strip(line):
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]|\x1b\[[0-9;?]*[A-Za-z]", "", line)


def scan(lines, expect=()):
    """(bad lines, expected regexes that never matched); one that begins with ? need not match."""
    rules = [re.compile(e.removeprefix("?")) for e in expect]
    met = set()
    bad = []
    for raw in lines:
        line = strip(raw)
        allowed = False
        for i, rule in enumerate(rules):
            if rule.search(line):
                met.add(i)
                allowed = True
        if not allowed and BAD.search(line) and not FINE.search(line):
            bad.append(line)
    return bad, [e for i, e in enumerate(expect) if i not in met and not e.startswith("?")]
