#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Writes remap tables, by an implementation of the format of its own.

remap.py MEDIA activate                  free slots only; the info block says so
remap.py MEDIA set MIRROR SLOT WORD...   seal and write an entry; MIRROR 0, 1 or both
                                         WORDs: a number, claimed, home-retired,
                                         slot-retired, gen=N
remap.py MEDIA bytes MIRROR SLOT HEX     write raw bytes where a slot's entry begins
remap.py MEDIA dump MIRROR               entries that are not free, sealed rightly or not
"""
import os
import struct
import sys

INFO = (4096, 1 << 20)
FLAGS = {"claimed": 1 << 40, "home-retired": 1 << 41, "slot-retired": 1 << 42}
PRESENT = 1 << 47


def crc16(crc, data):
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


class Media:
    def __init__(self, path):
        self.file = open(path, "r+b", buffering=0)
        block = self.read(INFO[0], 4096)
        self.uuid = block[56:72]
        spare, = struct.unpack_from("<Q", block, 120)
        self.tables = struct.unpack_from("<QQ", block, 128)
        self.slots = spare // 4096

    def read(self, offset, length):
        self.file.seek(offset)
        return self.file.read(length)

    def write(self, offset, data):
        self.file.seek(offset)
        self.file.write(data)
        os.fsync(self.file.fileno())

    def seal(self, slot, word):
        entry = (word | PRESENT).to_bytes(6, "little")
        crc = crc16(0, self.uuid + slot.to_bytes(4, "little") + entry)
        return entry + crc.to_bytes(2, "little")

    def activate(self):
        seed = crc16(0, self.uuid)
        entry = PRESENT.to_bytes(6, "little")
        table = b"".join(entry + crc16(seed, slot.to_bytes(4, "little") + entry).to_bytes(2, "little")
                         for slot in range(self.slots))
        for offset in self.tables:
            self.write(offset, table)
        for offset in INFO:
            block = bytearray(self.read(offset, 4096))
            incompat, = struct.unpack_from("<Q", block, 40)
            struct.pack_into("<Q", block, 40, incompat | 1)
            block[4092:] = bytes(4)
            struct.pack_into("<I", block, 4092, crc32c(block))
            self.write(offset, block)

    def put(self, mirrors, slot, data):
        for offset in self.tables if mirrors == "both" else [self.tables[int(mirrors)]]:
            self.write(offset + 8 * slot, data)

    def dump(self, mirror):
        for slot in range(self.slots):
            entry = self.read(self.tables[mirror] + 8 * slot, 8)
            if entry != self.seal(slot, 0):
                word = int.from_bytes(entry, "little")
                print(slot, f"{word & (1 << 47) - 1:#x}",
                      "sealed" if self.seal(slot, word & (1 << 47) - 1) == entry else "broken")


def word(texts):
    value = 0
    for text in texts:
        if text in FLAGS:
            value |= FLAGS[text]
        elif text.startswith("gen="):
            value |= int(text[4:]) << 43
        else:
            value |= int(text, 0)
    return value


def main():
    media = Media(sys.argv[1])
    command, args = sys.argv[2], sys.argv[3:]
    if command == "activate":
        media.activate()
    elif command == "set":
        media.put(args[0], int(args[1]), media.seal(int(args[1]), word(args[2:])))
    elif command == "bytes":
        media.put(args[0], int(args[1]), bytes.fromhex(args[2]))
    elif command == "dump":
        media.dump(int(args[0]))
    else:
        sys.exit(__doc__)


main()
