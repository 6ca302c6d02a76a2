# SPDX-License-Identifier: GPL-2.0
"""The command line of scripts/run-vm.sh and scripts/deps.sh."""

import argparse
import contextlib
import os
import shlex
import signal
import sys
import termios
import time
from pathlib import Path

from . import artifacts, demo, guest, host, kernels, model, modeldemo, trace, xdpdemo
from .util import LabError, Progress, UsageError, check_folder, log_path

EPILOG = """\
Without --shell or --script the guest shows what the driver can do, and the exit status is 0
only if all of it held.  With --script it is the script's.  2 means a request that cannot be
(nothing was started), 1 any other failure, 130 an interrupt.

--shell: the console of the guest in this terminal, driver loaded, links up.  "exit" or
"poweroff" ends the guest; so does Ctrl-A x, whatever state it is in.

In the guest: dut0 (192.0.2.1, 2001:db8::1) is the device under test; its peer peer0
(192.0.2.2, 2001:db8::2) is at the other end of the cable, in network namespace "peer".
Files are in /payload: hartwell.ko, tests/.  "hwlab help" lists the lab's own commands.

examples:
  scripts/run-vm.sh                          the demonstration
  scripts/run-vm.sh --driver e1000e          the same with the kernel's own driver
  scripts/run-vm.sh --kernel debug           the same under KASAN, lockdep, DMA debugging
  scripts/run-vm.sh --script my-test.sh      run a script in the guest
  scripts/run-vm.sh --shell --nics 2         look around
  scripts/run-vm.sh --trace -- -cpu Nehalem  count register accesses on another processor
"""


class Parser(argparse.ArgumentParser):
    """One line on what is wrong and how to learn more, exit status 2."""

    def error(self, message):
        raise UsageError(f"{message} (see {self.prog} --help)")


def run_parser():
    p = Parser(prog="scripts/run-vm.sh", epilog=EPILOG, allow_abbrev=False,
               usage="%(prog)s [OPTION]... [-- QEMU ARGS]",
               description="Boot a QEMU guest with an emulated Intel 82574L and drive it.",
               formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--driver", default="hartwell", metavar="NAME",
                   help="hartwell (default), or e1000e, the kernel's own")
    p.add_argument("--kernel", default="default", metavar="NAME|VERSION|PATH",
                   help="a version that Debian has now (6.12, 7.3), bookworm-backports, trixie, "
                        "trixie-backports, sid, oldest or newest of these, debug (with KASAN, "
                        "lockdep and the like; built once, some 20 minutes), a bzImage, or a "
                        "kernel build directory; default: the host release's own (of Debian "
                        "12, its backports')")
    p.add_argument("--smp", type=int, default=2, metavar="N", help="processors (2)")
    p.add_argument("--mem", type=int, default=1024, metavar="MIB", help="memory (1024)")
    p.add_argument("--accel", default="auto", metavar="HOW",
                   help="kvm, tcg (emulation), or auto: kvm where it really works (default)")
    p.add_argument("--nics", type=int, default=1, metavar="N",
                   help="devices under test, each with a peer of its own (1)")
    p.add_argument("--mtu", type=int, default=1500, metavar="N", help="MTU of both ends (1500)")
    p.add_argument("--net", default="hub", metavar="HOW",
                   help="what joins device and peer: a QEMU hub (default), or tap: two TAPs on "
                        "a bridge, which carry offloads; in a network namespace of QEMU's own")
    p.add_argument("--peer", default="virtio", metavar="NAME",
                   help="the peer's device: virtio (default, fast) or e1000e")
    p.add_argument("--device", default="qemu", metavar="NAME",
                   help="the device under test: qemu (default), QEMU's own emulation, or model: "
                        "another one, closer to silicon (Documentation/model.rst)")
    p.add_argument("--faults", metavar="FILE", help="model: faults by a script")
    p.add_argument("--wire", type=int, choices=(10, 100, 1000), metavar="SPEED",
                   help="model: the most that the partner offers, in Mb/s (1000)")
    p.add_argument("--model-log", metavar="FILE", help="model: keep its log")
    p.add_argument("--xdp", action="store_true",
                   help="show XDP instead: frames dropped, sent back and redirected by programs")
    p.add_argument("--append", default="", metavar="TEXT", help="more kernel parameters")
    p.add_argument("--icount", action="store_true",
                   help="guest time counts guest instructions: figures repeat, slowly")
    p.add_argument("--shell", action="store_true", help="a shell in the guest, in this terminal")
    p.add_argument("--script", metavar="FILE",
                   help="run a script in the guest, driver loaded and links up")
    p.add_argument("--trace", nargs="?", const="", metavar="FILE",
                   help="log register accesses, and sum them up by register")
    p.add_argument("--gdb", action="store_true",
                   help="stop at the first instruction and wait for gdb on port 1234; "
                        "goes with --shell")
    p.add_argument("--no-load", action="store_true",
                   help="with --script: leave loading the driver to the script")
    p.add_argument("--timeout", type=float, default=3600, metavar="S",
                   help="limit for --script (3600 s)")
    p.add_argument("--dry-run", action="store_true",
                   help="print the QEMU command; build, install and start nothing")
    return p


def parse(argv):
    """(options, QEMU arguments)"""
    extra = []
    if "--" in argv:
        at = argv.index("--")
        argv, extra = argv[:at], argv[at + 1:]
    options = run_parser().parse_args(argv)
    if options.script is not None and not Path(options.script).is_file():
        raise UsageError(f"--script {options.script}: no such file")
    if options.script is None and options.no_load:
        raise UsageError("--no-load goes with --script")
    if options.script is not None and options.shell:
        raise UsageError("--script and --shell exclude each other: name one")
    if options.xdp and (options.script is not None or options.shell):
        raise UsageError("--xdp is a demonstration of its own: without --script and --shell")
    if options.xdp and (options.driver != "hartwell" or options.device != "qemu"):
        raise UsageError("--xdp: e1000e has none, and the model's device is too slow for it")
    if options.gdb and options.script is not None:
        raise UsageError("--gdb goes with --shell: a stopped guest would run into time limits")
    if options.trace:
        check_folder("--trace", options.trace)
    if options.timeout <= 0:
        raise UsageError(f"--timeout {options.timeout}: must be more than 0")
    if (options.shell or options.gdb) and not options.dry_run and not sys.stdin.isatty():
        raise UsageError("--shell and --gdb need a terminal on standard input: use --script")
    if options.device not in ("qemu", "model"):
        raise UsageError(f"--device {options.device}: must be qemu or model")
    model.check_options(options)
    return options, extra


def configuration(options, extra):
    config = guest.GuestConfig(
        driver=options.driver, kernel=options.kernel, smp=options.smp, mem=options.mem,
        accel=options.accel, nics=options.nics, mtu=options.mtu, net=options.net,
        peer=options.peer, append=options.append, icount=options.icount, gdb=options.gdb,
        shell=options.shell or options.gdb, qemu_args=extra)
    if options.trace is not None:
        config.trace = options.trace or str(log_path("registers.log"))
    guest.check(config)
    if options.device == "model":
        config.device = "model"
        model.check(config)
    return config


def make_guest(config, options):
    if config.device != "model":
        return guest.Guest(config)
    # Negotiation takes what it takes in silicon.
    return model.ModelGuest(config, model.ModelOptions(
        faults=options.faults, speed=options.wire or 1000, log=options.model_log, autoneg=1500))


def dry_run(config, options):
    """The command with what the cache has, and names in place of what it has not."""
    g = make_guest(config, options)
    g.accel = "tcg" if config.accel == "auto" else config.accel
    if config.accel == "auto" and host.qemu_version():
        g.accel = guest.accelerator.choose("auto", remember=False)[0]
    g.kernel, g.root, g.initramfs = artifacts.planned(config.kernel)
    print(shlex.join(g.command()))
    return 0


def run(argv):
    options, extra = parse(argv)
    config = configuration(options, extra)
    if options.dry_run:
        return dry_run(config, options)
    begun = time.monotonic()
    groups = ["lab"] + (["build"] if config.driver == "hartwell" else [])
    host.ensure(groups)
    g = make_guest(config, options)
    g.prepare()
    how = {"kvm": "KVM", "tcg": "emulation (TCG)"}[g.accel]
    Progress.note(f"guest: Linux {g.kernel.version}, {config.smp} processors, {how}: "
                  f"{g.accel_why}")
    if config.trace:
        Path(config.trace).parent.mkdir(parents=True, exist_ok=True)
    try:
        if config.shell:
            status = run_shell(g)
        elif options.script is not None:
            status = run_script(g, options)
        else:
            status = run_demo(g, options)
    finally:
        g.close()
    if config.device == "model" and g.refused():
        raise LabError(f"--faults {options.faults}: the device model has not done:\n     "
                       + "\n     ".join(g.refused()))
    if config.trace and Path(config.trace).exists():
        print(f"\nRegister accesses (all of them: {config.trace})\n{trace.report(config.trace)}")
    if not config.shell:
        Progress.note(f"{time.monotonic() - begun:.0f} s in all")
    return status


def boot(g):
    with Progress.step("booting the guest"):
        g.start()


def keep_logs(g):
    """A failed run leaves what the guest said."""
    path = log_path("guest.log")
    text = g.console_log
    with contextlib.suppress(LabError):
        text += "\n--- kernel log ---\n" + g.dmesg()
    path.write_text(text, encoding="utf-8")
    Progress.note(f"the guest's log: {path}")


def run_demo(g, options):
    boot(g)
    shown = xdpdemo.XdpDemo if options.xdp else \
        modeldemo.ModelDemo if g.config.device == "model" else demo.Demo
    good = False
    try:
        good = shown(g).run()
    finally:
        if not good:
            keep_logs(g)
    return 0 if good else 1


def run_script(g, options):
    g.config.payload["script"] = Path(options.script).read_bytes()
    boot(g)
    if not options.no_load:
        g.bring_up()
    first = Path(options.script).read_bytes()[:2]
    command = "/payload/script" if first == b"#!" else "sh /payload/script"
    return g.stream(f"cd /payload && {command}", timeout=options.timeout)


def run_shell(g):
    saved = termios.tcgetattr(sys.stdin)
    if g.config.gdb:
        symbols = g.kernel.symbols or "vmlinux"
        if not g.kernel.symbols:
            print(f"There are no symbols for {g.kernel.version}: --kernel debug has them.")
        print("The guest waits for gdb.  In another terminal:\n"
              f"  gdb {symbols} -ex 'target remote :1234' -ex continue\n"
              "When the driver is loaded, the console prints the add-symbol-file line for "
              "hartwell.ko.", flush=True)
    print("Ctrl-A x ends the guest.", flush=True)
    # Ctrl-C is the guest's here: QEMU has the terminal in raw mode.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        g.start()
        status = g.wait_exit()
        if status:
            print(f"\n{g.qemu_log()}", file=sys.stderr)
    finally:
        signal.signal(signal.SIGINT, before)
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, saved)
        print()
    return 0 if status == 0 else 1


def deps(argv):
    p = Parser(prog="scripts/deps.sh", allow_abbrev=False,
               usage="%(prog)s [--kdir] [GROUP]...",
               description="Install what the project needs on this machine, by group; quiet "
                           "when all is there.",
               epilog="groups: " + ", ".join([*host.GROUPS, "headers"]))
    p.add_argument("groups", nargs="*", metavar="GROUP")
    p.add_argument("--kdir", action="store_true",
                   help="print the build directory of the default kernel, installing "
                        "its headers if need be")
    p.add_argument("--list", action="store_true", help="only say what is missing")
    options = p.parse_args(argv)
    for group in options.groups:
        if group not in host.GROUPS and group != "headers":
            raise UsageError(f"no group {group}: there are {', '.join(host.GROUPS)}, headers")
    if not options.groups and not options.kdir:
        raise UsageError("name a group (see scripts/deps.sh --help)")
    groups = [x for x in options.groups if x != "headers"]
    if options.list:
        lacking = host.missing(groups)
        print("\n".join(p for p, _ in lacking), end="\n" if lacking else "")
        return 1 if lacking else 0
    host.ensure(groups)
    if options.kdir or "headers" in options.groups:
        kdir = kernels.default_kdir()
        if options.kdir:
            print(kdir)
    return 0


def terminate(*_):
    raise KeyboardInterrupt


def main(argv):
    signal.signal(signal.SIGTERM, terminate)
    signal.signal(signal.SIGHUP, terminate)
    commands = {"run": run, "deps": deps}
    try:
        return commands[argv[0]](argv[1:])
    except UsageError as error:
        print(f"{'scripts/run-vm.sh' if argv[0] == 'run' else 'scripts/deps.sh'}: {error}",
              file=sys.stderr)
        return 2
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except KeyboardInterrupt:
        print("\nlab: interrupted", file=sys.stderr)
        return 130
