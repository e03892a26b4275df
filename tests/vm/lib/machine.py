# SPDX-License-Identifier: GPL-2.0
"""QEMU: from options to a command line, and a guest from start to verdict."""

import contextlib
import ctypes
import hashlib
import json
import os
import platform
import re
import selectors
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

import near
import tsc
from kernels import TOP, Cpio, Kernel, Trouble, cache_dir, locked, output

QEMU = "qemu-system-x86_64"
CPU = {"tcg": "max,-la57,-erms,-fsrm", "kvm": "host"}
TRIAL_SECONDS = 25
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)

# A busy machine under emulation is slow, not hung.
WATCHDOGS = ["sysctl.kernel.hung_task_timeout_secs=120", "watchdog_thresh=60", "rcupdate.rcu_cpu_stall_timeout=240",
             "rcupdate.rcu_exp_cpu_stall_timeout=0", "workqueue.watchdog_thresh=0", "clocksource=tsc", "tsc=reliable"]

# A quarter of what a boot executes before the first program, and nothing we use.
SLOW_STARTS = "load_system_certificate_list,bpf_tcp_ca_kfunc_init,bpf_dummy_struct_ops_init,jent_mod_init"


def size_bytes(text):
    m = re.fullmatch(r"(\d+)([kmgt]?)i?b?", text.lower())
    if not m:
        raise Trouble("bad size '%s'" % text)
    return int(m.group(1)) << {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}[m.group(2)]


class Machine:
    """Collects the QEMU arguments and the files behind them."""

    def __init__(self, opts, kernel, accel, log):
        self.fds = []
        self.opts, self.kernel, self.accel = opts, kernel, accel
        self.args = [QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-vga", "none", "-no-reboot",
                     "-device", "virtio-serial-pci"]
        self.device_memory = 0
        self.slots = 0
        self.con = self.out = self.ctl = self.qmp = None
        self._ports(log)
        self._cpu()
        for spec in opts.nvdimm:
            self._nvdimm(spec)
        for spec in opts.virtio_pmem:
            self._virtio_pmem(spec)
        for n, spec in enumerate(opts.disk):
            self._drive("disk%d" % n, spec, "virtio-blk-pci")
        for n, spec in enumerate(opts.nvme):
            self._drive("nvme%d" % n, spec, "nvme,serial=nvme%d" % n)
        # Memory of an NVDIMM is above what the device can address by default: 28 bits.
        self.args += ["-device", "edu,dma_mask=0xffffffffffffffff"] * opts.edu
        if opts.iommu:
            self.args += ["-device", "intel-iommu,intremap=off"]
        self._files()
        self._memory()

    def keep(self, fd):
        """QEMU inherits this descriptor; it ends with us."""
        os.set_inheritable(fd, True)
        self.fds.append(fd)
        return fd

    def _chardev(self, name, extra=""):
        ours, theirs = socket.socketpair()
        self.keep(theirs.detach())
        self.args += ["-chardev", "socket,id=%s,fd=%d%s" % (name, self.fds[-1], extra)]
        return ours

    def _ports(self, log):
        if self.opts.shell:
            self.args += ["-chardev", "stdio,id=con,mux=on,signal=off,logfile=" + log]
        else:
            # Not with logfile=: QEMU writes what it has to send again once more, so that words have letters twice.
            self.con = self._chardev("con")
        self.out = self._chardev("out")
        self.ctl = self._chardev("ctl")
        self.qmp = self._chardev("qmp")
        self.args += ["-serial", "chardev:con", "-mon", "chardev=qmp,mode=control",
                      "-device", "virtserialport,chardev=out,name=pinfold.out",
                      "-device", "virtserialport,chardev=ctl,name=pinfold.ctl"]

    def _cpu(self):
        o = self.opts
        if o.icount:
            self.args += ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off"]
        elif self.accel == "kvm":
            self.args += ["-accel", "kvm"]
        else:
            self.args += ["-accel", "tcg,thread=multi,tb-size=512"]
        self.args += ["-cpu", o.cpu or CPU["tcg" if o.icount else self.accel],
                      "-smp", "1" if o.icount else "%d,sockets=%d" % (o.cpus, o.nodes) if o.nodes > 1 else str(o.cpus)]

    def _scratch(self, size):
        """A sparse file without a name: nothing is left behind, however we end."""
        fd, path = tempfile.mkstemp(prefix="pinfold-", dir=os.environ.get("TMPDIR", "/var/tmp"))
        os.unlink(path)
        os.ftruncate(fd, size)
        return "/proc/self/fd/%d" % self.keep(fd)

    def _backing(self, spec, flags):
        """SIZE[,flag...][,file=PATH] -> (path, size, set of flags)."""
        size, *rest = spec.split(",")
        size, found, path = size_bytes(size), set(), None
        for word in rest:
            if word.startswith("file="):
                path = os.path.abspath(word[len("file="):])
            elif word in flags:
                found.add(word)
            else:
                raise Trouble("'%s': unknown '%s'" % (spec, word))
        if "label" in found:
            size += 16 << 20        # libnvdimm wants regions that are multiples of 16 MiB; the label eats 2
        if not path:
            return self._scratch(size), size, found
        with open(path, "ab") as f:
            have = os.fstat(f.fileno()).st_size
            if have == 0:
                f.truncate(size)
            elif have != size:
                raise Trouble("%s: has %d bytes, '%s' needs %d" % (path, have, spec, size))
        return path, size, found

    def _nvdimm(self, spec):
        path, size, flags = self._backing(spec, ("label", "readonly", "unarmed"))
        n = self.slots
        self.slots += 1
        self.device_memory += size
        locked_away = "readonly" in flags or "unarmed" in flags
        self.args += ["-object", "memory-backend-file,id=nvm%d,share=on,mem-path=%s,size=%d,pmem=off%s"
                      % (n, path, size, ",readonly=on" if "readonly" in flags else ""),
                      "-device", "nvdimm,id=nvdimm%d,memdev=nvm%d%s%s"
                      % (n, n, ",label-size=2M" if "label" in flags else "", ",unarmed=on" if locked_away else "")]

    def _virtio_pmem(self, spec):
        path, size, _ = self._backing(spec, ())
        n = self.slots
        self.slots += 1
        self.device_memory += size
        self.args += ["-object", "memory-backend-file,id=vpm%d,share=on,mem-path=%s,size=%d" % (n, path, size),
                      "-device", "virtio-pmem-pci,id=vpmem%d,memdev=vpm%d" % (n, n)]

    def _drive(self, name, spec, device):
        path, _, _ = self._backing(spec, ())
        self.args += ["-drive", "if=none,id=%s,format=raw,cache=writeback,discard=unmap,file.locking=off,file=%s"
                      % (name, path), "-device", "%s,drive=%s" % (device, name)]

    def _files(self):
        # multidevs: the host may have several file systems below /, whose inode numbers collide.
        self.args += ["-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap",
                      "-device", "virtio-9p-pci,fsdev=root,mount_tag=root"]
        for n, path in enumerate(self.opts.share):
            self.args += ["-fsdev", "local,id=share%d,path=%s,security_model=none,multidevs=remap"
                          % (n, os.path.realpath(path)),
                          "-device", "virtio-9p-pci,fsdev=share%d,mount_tag=share%d" % (n, n)]

    def _memory(self):
        ram = size_bytes(self.opts.mem)
        # Each device may have to be aligned to 1 GiB.
        room = self.device_memory + (self.slots << 30)
        if self.accel == "tcg" and ram + room + (4 << 30) > 1 << 40:
            raise Trouble("RAM and devices exceed the 1 TiB that emulation can address")
        mem = "%dM" % (ram >> 20)
        if self.slots:
            mem += ",slots=%d,maxmem=%dM" % (self.slots + 1, (ram + room) >> 20)
        if self.opts.nodes > 1:
            self._nodes(ram // self.opts.nodes)
        self.args += ["-machine", self.opts.machine + (",nvdimm=on" if self.opts.nvdimm else ""), "-m", mem]

    def _nodes(self, ram):
        nodes, cpus = self.opts.nodes, self.opts.cpus
        for n in range(nodes):
            mine = range(n * cpus // nodes, (n + 1) * cpus // nodes)
            self.args += ["-object", "memory-backend-ram,id=ram%d,size=%d" % (n, ram), "-numa",
                          "node,nodeid=%d,memdev=ram%d" % (n, n) + "".join(",cpus=%d" % c for c in mine)]

    def boot(self, cmdline, initrd):
        # The lists are concatenated: the kernel unpacks one archive after the other.
        fd = self.keep(os.memfd_create("initrd", 0))
        with os.fdopen(os.dup(fd), "wb") as f:
            for part in initrd:
                f.write(part)
        self.args += ["-kernel", self.kernel.image, "-initrd", "/proc/self/fd/%d" % fd, "-append", " ".join(cmdline)]
        self.args += self.opts.qemu

    def start(self):
        own_input = None if self.opts.shell else subprocess.DEVNULL
        try:
            proc = subprocess.Popen(self.args, stdin=own_input, pass_fds=self.fds, preexec_fn=die_with_parent,
                                    stdout=None if self.opts.shell else subprocess.PIPE,
                                    stderr=None if self.opts.shell else subprocess.STDOUT,
                                    start_new_session=not self.opts.shell)
        except FileNotFoundError:
            raise Trouble("no %s; run tests/deps.sh" % QEMU) from None
        for fd in self.fds:
            os.close(fd)
        self.fds = []
        return proc


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def kernel_args(opts, kernel, accel):
    # Everything reaches the log: a splat's lines have many levels.
    args = ["console=ttyS0,115200", "ignore_loglevel", "oops=panic", "panic=-1", "panic_on_warn=0",
            "sysrq_always_enabled", "log_buf_len=4M", "printk.devkmsg=on", "random.trust_cpu=on", "net.ifnames=0",
            "mitigations=off", "no_timer_check", "audit=0", "apparmor=0", "nokaslr", "initcall_blacklist=" + SLOW_STARTS]
    if opts.shell and not opts.verbose:
        args[args.index("ignore_loglevel")] = "quiet"
    if opts.icount:
        args += ["nowatchdog", "lpj=1000000"]
    else:
        # TCG translates a program anew wherever it is mapped: at the same addresses, a process starts in a third
        # of the time.
        args += ["norandmaps", *WATCHDOGS]
        # On a busy machine a guest measures its own as 16 times too slow now and then, and its time runs away.
        rate = tsc.khz() if accel == "tcg" else None
        if rate:
            args.append("tsc_early_khz=%d" % rate)
        # A kernel of our own has better checks than these, which would slow it down.  So would U, the stacks of who
        # had an object, which nobody misses until there is a report: --append slub_debug=FZPU.  6.1 leaks then, a
        # dentry for each cache that goes (debugfs_slab_release()).
        if opts.debug and kernel.stock:
            args += ["slub_debug=FZP", "page_poison=1"]
    if opts.iommu:
        args += ["intel_iommu=on", "iommu=nopt"]
    return args + shlex.split(opts.append)


def job_archive(opts, kernel, modset):
    """The part of the initramfs that belongs to this run."""
    conf = {"VM_KVER": kernel.release, "PINFOLD_KVER": kernel.release, "PINFOLD_TOP": TOP, "VM_CWD": os.getcwd(),
            "VM_MODULES": kernel.modules, "VM_MODSET": modset or "", "VM_UDEV": "1" if opts.udev else "",
            "VM_SHELL": "1" if opts.shell else "", "VM_TRIAL": "1" if opts.trial else "",
            "VM_SHARES": str(len(opts.share))}
    for name in ("PINFOLD_BUDGET", "PINFOLD_SEED"):
        conf[name] = os.environ.get(name, "")
    for n, path in enumerate(opts.share):
        conf["VM_SHARE_%d" % n] = os.path.realpath(path)
    text = "".join("%s=%s\n" % (k, shlex.quote(v)) for k, v in conf.items())
    command = "exec " + shlex.join(opts.command) if opts.command else "PS1='guest:\\w# '"
    # How long and which: settings of test programs.
    settings = "".join("export %s=%s\n" % (k, shlex.quote(v)) for k, v in os.environ.items() if k.startswith("PF_"))
    job = "cd %s 2>/dev/null || cd /\n%s%s\n" % (shlex.quote(os.getcwd()), settings, command)
    cpio = Cpio()
    cpio.add("job.conf", stat.S_IFREG | 0o644, text.encode())
    cpio.add("job", stat.S_IFREG | 0o755, job.encode())
    return cpio.finish()


class Guest:
    """A running guest and the conversation with it."""

    def __init__(self, machine, log, timeout, sink, verbose=False):
        self.m, self.log, self.sink, self.verbose = machine, log, sink, verbose
        self.deadline = time.monotonic() + timeout
        self.verdict = None
        self.expect = []
        self.said = b""         # QEMU's own messages
        self.log_file = None if machine.con is None else open(log, "ab", buffering=0)   # closed with us
        self._ctl = b""
        self._qmp_ready = False
        self.proc = machine.start()

    def run(self):
        """'done', 'lost' or 'hung'; the verdict is in self.verdict."""
        sel = selectors.DefaultSelector()
        todo = {self.m.out: self._on_out, self.m.ctl: self._on_ctl, self.m.con: self._on_con,
                self.proc.stdout: self._on_said}
        for source in todo:
            sel.register(source, selectors.EVENT_READ)
        state = "done"
        try:
            while sel.get_map():
                left = self.deadline - time.monotonic()
                if left <= 0:
                    if self.verdict is None:
                        state = "hung"
                    break
                for key, _ in sel.select(min(left, 1.0)):
                    data = os.read(key.fd, 65536) if alive(key.fileobj) else b""
                    if not data:
                        sel.unregister(key.fileobj)
                    else:
                        todo[key.fileobj](data)
            if state == "hung":
                self._ask_for_stacks()
        finally:
            self.stop()
        if self.verdict is None and state == "done":
            state = "lost"
        return state

    def give_up(self):
        self.deadline = 0

    def stop(self):
        with contextlib.suppress(ProcessLookupError):
            if self.proc.poll() is None:
                self.proc.kill()
        self.proc.wait()

    def _on_out(self, data):
        self.sink(data)

    def _on_con(self, data):
        self.log_file.write(data)
        if self.verbose:
            self.sink(data)

    def _on_said(self, data):
        self.said += data

    def _on_ctl(self, data):
        *lines, self._ctl = (self._ctl + data).split(b"\n")
        for line in lines:
            word, _, rest = line.decode(errors="replace").partition(" ")
            if word == "exit":
                self.verdict = int(rest)
                self.deadline = min(self.deadline, time.monotonic() + 20)
            elif word == "expect":
                self.expect.append(rest)
            elif word == "hmp":
                answer = self.monitor(rest)
                with contextlib.suppress(OSError):
                    self.m.ctl.sendall(answer.encode() + b"\n.\n")

    def monitor(self, command):
        """A command of QEMU's human monitor, such as 'mce' or 'info mtree'."""
        try:
            if not self._qmp_ready:
                self._qmp({"execute": "qmp_capabilities"})
                self._qmp_ready = True
            answer = self._qmp({"execute": "human-monitor-command", "arguments": {"command-line": command}})
        except (OSError, ValueError) as e:
            return "monitor: %s" % e
        return str(answer.get("return", answer.get("error"))).replace("\r", "").rstrip("\n")

    def _qmp(self, request):
        self.m.qmp.settimeout(10)
        self.m.qmp.sendall(json.dumps(request).encode() + b"\n")
        buf = b""
        while True:
            data = self.m.qmp.recv(65536)
            if not data:
                raise OSError("closed")
            *lines, buf = (buf + data).split(b"\n")
            for line in lines:
                answer = json.loads(line)
                if "return" in answer or "error" in answer:
                    return answer

    def _ask_for_stacks(self):
        """What does a hung guest wait for?  SysRq w and l by serial line; the answer is in the log."""
        for key in (b"l", b"w"):
            self.monitor("chardev-send-break con")
            with contextlib.suppress(OSError):
                self.m.con.sendall(key)
            end = time.monotonic() + 3
            while time.monotonic() < end:
                self.m.con.settimeout(0.5)
                with contextlib.suppress(OSError):
                    self.log_file.write(self.m.con.recv(65536))


def alive(source):
    return getattr(source, "closed", False) is False


def accel_for(kernel_spec):
    """'kvm' where it can run a stock kernel, else 'tcg'; found out once per host."""
    forced = os.environ.get("PINFOLD_ACCEL")
    if forced:
        if forced not in CPU:
            raise Trouble("PINFOLD_ACCEL: tcg or kvm, not '%s'" % forced)
        return forced
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        cpu = sorted({line for line in f if line.startswith(("model", "stepping", "flags", "vendor_id"))})
    key = "\n".join([platform.release(), output(QEMU, "--version"), kernel_spec, *cpu])
    memo = os.path.join(cache_dir(), "accel-" + hashlib.sha256(key.encode()).hexdigest()[:16])
    with locked("accel"):
        if not os.path.exists(memo):
            verdict = "kvm" if kvm_boots(kernel_spec) else "tcg"
            with open(memo + ".new", "w", encoding="ascii") as f:
                f.write(verdict + "\n")
            os.rename(memo + ".new", memo)
    with open(memo, encoding="ascii") as f:
        return f.read().strip()


def kvm_boots(kernel_spec):
    print("pinfold-vm: trying KVM, once, for at most %d s" % TRIAL_SECONDS, file=sys.stderr)
    opts = Options(trial=True)
    kernel = Kernel(kernel_spec)
    kernel.fetch()
    fd, log = tempfile.mkstemp(prefix="kvm-trial-", dir=cache_dir())
    os.close(fd)
    try:
        guest = make_guest(opts, kernel, "kvm", None, log, TRIAL_SECONDS, lambda data: None)
        return guest.run() == "done" and guest.verdict == 0
    finally:
        shutil.move(log, os.path.join(cache_dir(), "kvm-trial.log"))


def make_guest(opts, kernel, accel, modset, log, timeout, sink):
    machine = Machine(opts, kernel, accel, log)
    with open(kernel.initramfs(), "rb") as f:
        machine.boot(kernel_args(opts, kernel, accel),
                     [f.read(), job_archive(opts, kernel, modset)] +
                     ([] if opts.trial else [near.host_archive(), near.built_archive()]))
    return Guest(machine, log, timeout, sink, opts.verbose)


class Options:
    """Defaults; `vm` overrides them from its command line."""

    def __init__(self, **kw):
        self.mem, self.cpus, self.nodes, self.machine, self.cpu, self.append = "1G", 2, 1, "q35", None, ""
        self.nvdimm, self.virtio_pmem, self.disk, self.nvme, self.share, self.qemu = [], [], [], [], [], []
        self.icount = self.shell = self.trial = self.verbose = self.iommu = False
        self.edu = 0
        self.udev = self.debug = True
        self.command = []
        vars(self).update(kw)
