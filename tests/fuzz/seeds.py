#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""seeds.py DIR: a first corpus for each fuzzer, DIR/NAME/*, from the format's rules."""
import os
import struct
import sys

MIB = 1 << 20


def save(name, label, data):
    os.makedirs(os.path.join(sys.argv[1], name), exist_ok=True)
    with open(os.path.join(sys.argv[1], name, label), "wb") as file:
        file.write(data)


def block(copy, incompat=0, spare=2 * MIB, seq=1, major=1):
    table = 4096 if spare else 0
    return struct.pack("<16sHHIQQQQ16s16sQQQQQQQQ3940xI", b"PINFOLD\xf0\x9f\x90\x91 INFO", major, 0,
                       copy, 0, 0, incompat, seq, b"i" * 16, b"p" * 16, 64 * MIB, 4 * MIB, 32 * MIB,
                       36 * MIB if spare else 0, spare, 2 * MIB if spare else 0,
                       2 * MIB + 4096 if spare else 0, table, 0)


def change(slot, how, word):
    return struct.pack("<BBQ", slot, how, word)


SEAL = b"\x01"
save("infoblock", "good", SEAL + block(0) + block(1))
save("infoblock", "plain", SEAL + block(0, spare=0) + block(1, spare=0))
save("infoblock", "remap", SEAL + block(0, incompat=1) + block(1, incompat=1))
save("infoblock", "newer", SEAL + block(0) + block(1, seq=2))
save("infoblock", "major", SEAL + block(0, major=2) + block(1))
save("infoblock", "one", SEAL + block(0))
save("infoblock", "unsealed", b"\x00" + block(0) + block(1))
save("infoblock", "btt", b"\x00BTT_ARENA_INFO\0\0" + bytes(100))

CLAIMED, HOME, SLOT, GEN = 1 << 40, 1 << 41, 1 << 42, 1 << 43
BOTH = 3 | 8
save("remap", "empty", b"\x00")
save("remap", "claims", b"\x00" + change(5, BOTH, CLAIMED | 3) + change(70, BOTH, CLAIMED | HOME | 4))
save("remap", "retired", b"\x00" + change(5, BOTH, SLOT))
save("remap", "behind", b"\x00" + change(5, 1 | 8, CLAIMED | 3))
save("remap", "halfway", b"\x00" + change(5, BOTH, CLAIMED | 3) + change(6, BOTH, CLAIMED | 3 | GEN))
save("remap", "conflict", b"\x00" + change(5, BOTH, CLAIMED | 3) + change(6, BOTH, CLAIMED | 3 | 5 * GEN))
save("remap", "lost", b"\x00" + change(5, 3, 0))
save("remap", "badline", b"\x05" + change(5, BOTH, CLAIMED | 3))
save("remap", "badboth", b"\x01" + change(5, 2, 0))
