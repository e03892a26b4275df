# SPDX-License-Identifier: GPL-2.0
"""Files that guests open all the time, packed so that they are in the guest's memory from the start.

Each look at a file of the host is a message to QEMU and back, several for each program that starts. What is not
here is still found on the host; what is here is the host's, as it was when the guest started.
"""

import glob
import hashlib
import os
import shutil
import stat
import subprocess
import tempfile

from kernels import TOP, Cpio, cache_dir, locked

ROOT = "near"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# What cases, udev's rules and mkfs start; a name that the host lacks does no harm.
PROGRAMS = """
    bash sh cat umount mount grep timeout join ndctl dd touch modprobe insmod rmmod lsmod modinfo dmsetup id awk
    mkdir sleep sed kill sync e2fsck fsck.ext4 truncate rm blockdev dirname basename tee mkfs.ext4 mke2fs head tail cp mv
    ln ls stat udevadm strip seq fallocate realpath readlink cmp diff tr addpart delpart uname sort xfs_repair mkfs.xfs
    filefrag setpriv mktemp find tac sha256sum md5sum numfmt flock dmesg blkid setsid rmdir pgrep wc su cut comm
    chmod mountpoint env true uniq
    """.split()
OTHERS = ["/usr/lib/systemd/systemd-udevd", "/usr/lib/udev/*", "/usr/lib/udev/rules.d/*", "/etc/udev/rules.d/*",
          "/etc/ld.so.cache", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/mke2fs.conf"]
# Ours, which a build changes; with the libraries of those above.
BUILT = ["build/tools/pinfold", "build/guest/pf"]
# systemd's hardware data base and the like are read once, if at all.
LIMIT = 8 << 20


def libraries(path):
    """What the loader would map, or nothing for scripts and static programs."""
    r = subprocess.run(["ldd", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return [w for line in r.stdout.splitlines() for w in line.split() if w.startswith("/")] if r.returncode == 0 else []


class Tree:
    """Files and the symbolic links that lead to them, each once."""

    def __init__(self):
        self.cpio = Cpio()
        self.seen = set()
        self._folder(ROOT)

    def _folder(self, name):
        if name not in self.seen:
            self.seen.add(name)
            if name != ROOT:
                self._folder(os.path.dirname(name))
            self.cpio.add(name, stat.S_IFDIR | 0o755)

    def add(self, path):
        """An absolute path: its links, folders and file."""
        here = "/"
        words = [w for w in path.split("/") if w]
        while words:
            here = os.path.join(here, words.pop(0))
            name = ROOT + here
            st = os.lstat(here)
            if stat.S_ISLNK(st.st_mode):
                target = os.readlink(here)
                if name not in self.seen:
                    self.seen.add(name)
                    self._folder(os.path.dirname(name))
                    self.cpio.add(name, stat.S_IFLNK | 0o777, target.encode())
                self.add(os.path.normpath(os.path.join(os.path.dirname(here), target, *words)))
                return
            if stat.S_ISREG(st.st_mode) and st.st_size <= LIMIT and name not in self.seen:
                self.seen.add(name)
                self._folder(os.path.dirname(name))
                with open(here, "rb") as f:
                    self.cpio.add(name, stat.S_IFREG | stat.S_IMODE(st.st_mode), f.read())


def make_host_archive(target):
    for old in glob.glob(os.path.join(cache_dir(), "near-*")):
        os.unlink(old)
    tree = Tree()
    programs = [p for p in (shutil.which(name, path=PATH) for name in PROGRAMS) if p]
    for path in programs + [p for pattern in OTHERS for p in sorted(glob.glob(pattern))]:
        tree.add(path)
        for library in libraries(path) if os.access(path, os.X_OK) and os.path.isfile(path) else ():
            tree.add(library)
    fd, tmp = tempfile.mkstemp(dir=cache_dir())
    with os.fdopen(fd, "wb") as f:
        f.write(tree.cpio.finish())
    os.rename(tmp, target)


def host_archive():
    """Programs of the host with their libraries; made again when a package changes."""
    h = hashlib.sha256()
    for path in (os.path.abspath(__file__), "/etc/ld.so.cache", "/var/lib/dpkg/status"):
        st = os.stat(path)
        h.update(b"%d %d\n" % (st.st_mtime_ns, st.st_size))
    target = os.path.join(cache_dir(), "near-" + h.hexdigest()[:16])
    with locked("near"):
        if not os.path.exists(target):
            make_host_archive(target)
        with open(target, "rb") as f:
            return f.read()


def built_archive():
    tree = Tree()
    for path in (os.path.join(TOP, name) for name in BUILT):
        if os.path.exists(path):
            tree.add(path)
    return tree.cpio.finish()
