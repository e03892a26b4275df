# SPDX-License-Identifier: GPL-2.0
"""The rate of this machine's time stamp counter, which is that of guests under TCG."""

import ctypes
import mmap
import platform
import time

# rdtsc; shl $32, %rdx; or %rdx, %rax; ret
READ = bytes.fromhex("0f31 48c1e220 4809d0 c3")
NAP = 0.02


def khz():
    """Measured, or None on another architecture."""
    if platform.machine() != "x86_64":
        return None
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(READ)
    read = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(ctypes.c_char.from_buffer(page)))

    def sample():
        """A pair of (ns, ticks) between which nobody else was on the processor: the closest of some."""
        tries = []
        for _ in range(20):
            before = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
            ticks = read()
            after = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
            tries.append((after - before, (before + after) // 2, ticks))
        return min(tries)[1:]

    start = sample()
    time.sleep(NAP)
    end = sample()
    return round((end[1] - start[1]) * 1000000 / (end[0] - start[0]))
