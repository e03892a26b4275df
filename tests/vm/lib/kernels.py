# SPDX-License-Identifier: GPL-2.0
"""Stock Debian kernels for the guests, taken from their packages into a cache."""

import concurrent.futures
import contextlib
import fcntl
import hashlib
import lzma
import os
import re
import shutil
import stat
import subprocess
import tempfile
import time

LIB = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(LIB)))
META = {"6.1": "linux-image-amd64", "6.12": "linux-image-6.12-amd64"}

# What the guest needs before it sees the host's files; dependencies come from modules.dep.
EARLY = ["virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay"]


class Trouble(Exception):
    """The harness itself cannot do what it was asked: exit status 89."""


def cache_dir():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = os.environ.get("PINFOLD_CACHE") or os.path.join(base, "pinfold")
    os.makedirs(path, exist_ok=True)
    return os.path.realpath(path)


@contextlib.contextmanager
def locked(name):
    """Several runs may want to fill the same cache entry at the same time."""
    with open(os.path.join(cache_dir(), name + ".lock"), "w", encoding="ascii") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def output(*cmd):
    r = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if r.returncode:
        raise Trouble("%s: %s" % (" ".join(cmd), r.stderr.strip() or "exit %d" % r.returncode))
    return r.stdout


def version_newer(a, b):
    return subprocess.run(["dpkg", "--compare-versions", a, "gt", b], check=False).returncode == 0


def installed_headers(series):
    """(release, package version) of the newest installed headers, or None."""
    pattern = "linux-headers-%s.*-amd64" % series
    r = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version}\n", pattern],
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    best = None
    for line in r.stdout.splitlines():
        status, package, version = line.split(" ")
        release = package[len("linux-headers-"):]
        if status != "installed" or re.search(r"-(rt|cloud)-amd64$", release):
            continue
        if best is None or version_newer(version, best[1]):
            best = (release, version)
    return best


def newest_offered(series):
    """(release, package version) the metapackage depends on."""
    out = output("apt-cache", "show", "--no-all-versions", META[series])
    m = re.search(r"^Depends:.*?linux-image-(%s\.\S+-amd64) \(= (\S+)\)" % re.escape(series), out, re.M)
    if not m:
        raise Trouble("%s does not name an image; run tests/deps.sh" % META[series])
    return m.group(1), m.group(2)


class Kernel:
    """A kernel to boot: image, modules, and what is derived from them in the cache."""

    def __init__(self, spec):
        if os.path.isdir(spec):
            self._from_dir(os.path.realpath(spec))
        elif spec in META:
            # Modules are built against the installed headers, so these decide which image is the right one.
            self.release, self.version = installed_headers(spec) or newest_offered(spec)
            self.dir = os.path.join(cache_dir(), "kernels", "%s_%s" % (self.release, self.version))
            self.stock = True
        else:
            raise Trouble("unknown kernel '%s': 6.1, 6.12 or a directory" % spec)

    def _from_dir(self, path):
        """A kernel built elsewhere (debug options): DIR/vmlinux or vmlinuz, and DIR/lib/modules/RELEASE."""
        releases = os.listdir(os.path.join(path, "lib/modules")) if os.path.isdir(path + "/lib/modules") else []
        if len(releases) != 1 or not any(os.path.exists(path + x) for x in ("/vmlinux", "/vmlinuz")):
            raise Trouble("%s: need vmlinux or vmlinuz, and exactly one lib/modules/RELEASE" % path)
        self.release, self.version, self.dir, self.stock = releases[0], "local", path, False

    @property
    def modules(self):
        return os.path.join(self.dir, "lib/modules", self.release)

    @property
    def image(self):
        """What QEMU boots: the ELF image through its PVH entry if there is one."""
        elf = os.path.join(self.dir, "vmlinux")
        return elf if os.path.exists(elf) else os.path.join(self.dir, "vmlinuz")

    def headers_dir(self):
        for path in (self.modules + "/build", "/lib/modules/%s/build" % self.release,
                     "/usr/src/linux-headers-%s" % self.release):
            if os.path.exists(os.path.join(path, "Makefile")):
                return os.path.realpath(path)
        raise Trouble("no headers for %s; run tests/deps.sh" % self.release)

    def fetch(self):
        """Unpack the image package unless that was done before."""
        if not self.stock or os.path.exists(self.image):
            return
        with locked("kernels"):
            if os.path.exists(self.image):
                return
            os.makedirs(os.path.dirname(self.dir), exist_ok=True)
            with tempfile.TemporaryDirectory(dir=os.path.dirname(self.dir)) as tmp:
                self._unpack(tmp)
                shutil.rmtree(self.dir, ignore_errors=True)
                os.rename(os.path.join(tmp, "root"), self.dir)

    def _unpack(self, tmp):
        sandbox = ["-o", "APT::Sandbox::User=root"] if os.geteuid() == 0 else []
        package = "linux-image-%s=%s" % (self.release, self.version)
        r = subprocess.run(["apt-get", "-q", "download", *sandbox, package], cwd=tmp, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, check=False)
        debs = [f for f in os.listdir(tmp) if f.endswith(".deb")]
        if r.returncode or len(debs) != 1:
            raise Trouble("cannot download %s: %s\n(tests/deps.sh installs headers and lists that match)"
                          % (package, r.stdout.strip()))
        root = os.path.join(tmp, "root")
        output("dpkg-deb", "-x", os.path.join(tmp, debs[0]), root)
        decompress_modules(os.path.join(root, "lib/modules", self.release))
        output("depmod", "-b", root, self.release)
        bzimage = os.path.join(root, "boot", "vmlinuz-" + self.release)
        unpack_xz_kernel(bzimage, os.path.join(root, "vmlinux"))
        shutil.move(bzimage, os.path.join(root, "vmlinuz"))
        os.chmod(root, 0o755)

    def module_files(self, names):
        """Paths of the named modules and all they need, in load order; built-in ones have none."""
        with open(os.path.join(self.modules, "modules.dep"), encoding="ascii") as f:
            dep = dict(line.rstrip("\n").split(":", 1) for line in f)
        by_name = {module_name(p): p for p in dep}
        order = []
        for name in names:
            path = by_name.get(module_name(name))
            if path:
                for p in reversed([path] + dep[path].split()):
                    if p not in order:
                        order.append(p)
        return [os.path.join(self.modules, p) for p in order]

    def initramfs(self):
        """The part of the initramfs that is the same for every run."""
        busybox = shutil.which("busybox") or ""
        files = {"init": os.path.join(LIB, "init"), "stage2": os.path.join(LIB, "stage2"), "bin/busybox": busybox}
        if not busybox:
            raise Trouble("no busybox; run tests/deps.sh")
        early = self.module_files(EARLY)
        h = hashlib.sha256(" ".join(early).encode())
        for path in [*files.values(), os.path.abspath(__file__)]:
            with open(path, "rb") as f:
                h.update(f.read())
        base = os.path.join(cache_dir(), "initramfs")
        target = os.path.join(base, "%s_%s_%s" % (self.release, self.version, h.hexdigest()[:12]))
        if self.stock and os.path.exists(target):
            return target
        os.makedirs(base, exist_ok=True)
        cpio = Cpio()
        for name in ("bin", "dev", "proc", "sys", "mod", "ro", "rw", "root"):
            cpio.add(name, stat.S_IFDIR | 0o755)
        for name, path in files.items():
            with open(path, "rb") as f:
                cpio.add(name, stat.S_IFREG | 0o755, f.read())
        for i, path in enumerate(early):
            cpio.add("mod/%02d-%s.ko" % (i, module_name(path)), stat.S_IFREG | 0o644, read_module(path))
        fd, tmp = tempfile.mkstemp(dir=base)
        with os.fdopen(fd, "wb") as f:
            f.write(cpio.finish())
        os.rename(tmp, target)
        return target

    def module_set(self, build):
        """A directory with our modules and the depmod result over stock plus ours, or None without any.

        It becomes the top lower layer of the guest's /lib/modules/RELEASE: the guest copies nothing and
        never runs depmod, and a build that goes on meanwhile does not change a running guest.
        """
        kos = []
        for root, dirs, files in os.walk(build):
            dirs.sort()
            kos += [os.path.join(root, f) for f in sorted(files) if f.endswith(".ko")]
        if not kos:
            return None
        data = {}
        for path in kos:
            with open(path, "rb") as f:
                data[os.path.basename(path)] = f.read()
        h = hashlib.sha256(self.modules.encode())
        for name in sorted(data):
            h.update(name.encode() + b"\0" + data[name])
        base = os.path.join(cache_dir(), "modsets")
        target = os.path.join(base, "%s_%s" % (self.release, h.hexdigest()[:16]))
        with locked("modsets"):
            if not os.path.isdir(target):
                drop_old(base)
                self._make_module_set(target, data)
            os.utime(target)
        return target

    def _make_module_set(self, target, data):
        base = os.path.dirname(target)
        os.makedirs(base, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=base) as tmp:
            tree = os.path.join(tmp, "lib/modules", self.release)
            os.makedirs(os.path.join(tree, "updates/pinfold"))
            for name in data:
                with open(os.path.join(tree, "updates/pinfold", name), "wb") as f:
                    f.write(data[name])
            os.symlink(os.path.join(self.modules, "kernel"), os.path.join(tree, "kernel"))
            for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
                if os.path.exists(os.path.join(self.modules, name)):
                    shutil.copy(os.path.join(self.modules, name), tree)
            output("depmod", "-b", tmp, self.release)
            os.unlink(os.path.join(tree, "kernel"))
            os.rename(tree, target)


def module_name(path):
    return re.sub(r"\.ko(\.[a-z0-9]+)?$", "", os.path.basename(path)).replace("-", "_")


def read_module(path):
    with (lzma.open if path.endswith(".xz") else open)(path, "rb") as f:
        return f.read()


def decompress_modules(tree):
    """Unpack .ko.xz once here rather than slowly in every emulated guest."""
    def one(path):
        with open(path[:-len(".xz")], "wb") as f:
            f.write(read_module(path))
        os.unlink(path)

    paths = [os.path.join(r, f) for r, _, files in os.walk(tree) for f in files if f.endswith(".ko.xz")]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, paths))


def unpack_xz_kernel(bzimage, target):
    """Decompressing an xz kernel takes an emulated guest 2 s; zstd takes it so little that it is left alone."""
    with open(bzimage, "rb") as f:
        blob = f.read()
    at = blob.find(b"\xfd7zXZ\0")
    if at < 0:
        return
    elf = lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(blob[at:])
    if elf.startswith(b"\x7fELF"):
        with open(target, "wb") as f:
            f.write(elf)


def drop_old(base, days=3):
    """Every rebuild leaves an entry behind; running guests use fresh ones only."""
    with contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(base):
            if entry.stat().st_mtime < time.time() - days * 86400:
                shutil.rmtree(entry.path, ignore_errors=True)


class Cpio:
    """A newc archive, the format of an initramfs."""

    def __init__(self):
        self.parts = []
        self.ino = 0

    def add(self, name, mode, data=b""):
        self.ino += 1
        raw = name.encode() + b"\0"
        fields = (self.ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0)
        head = b"070701" + b"".join(b"%08X" % v for v in fields) + raw
        self.parts += [head, b"\0" * (-len(head) % 4), data, b"\0" * (-len(data) % 4)]

    def finish(self):
        self.add("TRAILER!!!", 0)
        blob = b"".join(self.parts)
        return blob + b"\0" * (-len(blob) % 512)
