# SPDX-License-Identifier: GPL-2.0
"""What the host must have, and Debian packages for it.

Packages come from the machine's own apt sources.  Where another suite is needed (backports for
QEMU and the 6.12 kernel, trixie for the guest), its address is taken from those sources too, in
an apt configuration of our own below the cache: nothing in /etc/apt changes.
"""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from .util import LabError, Progress, cache_dir, locked, log_path, run_logged

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
LISTS_MAX_AGE = 24 * 3600
QEMU = "qemu-system-x86_64"
QEMU_MIN = 10


def os_release():
    values = {}
    try:
        for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition("=")
            values[key] = value.strip('"')
    except OSError:
        pass
    return values


def codename():
    """The Debian suite of this host, or None on anything else."""
    release = os_release()
    if release.get("ID") != "debian" or not shutil.which("apt-get"):
        return None
    return release.get("VERSION_CODENAME", "sid")


def is_root():
    return os.geteuid() == 0


def qemu_version(binary=QEMU):
    try:
        out = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=20,
                             check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"version (\d+)\.(\d+)", out)
    return (int(found[1]), int(found[2])) if found else None


# --- apt -----------------------------------------------------------------------------------


def _deb822(text):
    for stanza in re.split(r"\n\s*\n", text):
        fields, key = {}, None
        for line in stanza.splitlines():
            if line.startswith("#") or not line.strip():
                continue
            if line[0] in " \t" and key:
                fields[key] += "\n" + line.strip()
            else:
                key, _, value = line.partition(":")
                key = key.strip().lower()
                fields[key] = value.strip()
        if fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        if "deb" in fields.get("types", "").split() \
                and "main" in fields.get("components", "").split():
            signed = fields.get("signed-by", "")
            for uri in fields.get("uris", "").split():
                for suite in fields.get("suites", "").split():
                    yield uri, suite, signed if signed.startswith("/") else ""


def _oneline(text):
    for line in text.splitlines():
        found = re.match(r"\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)(.*)", line)
        if found and "main" in found[4].split():
            signed = re.search(r"signed-by=(\S+)", found[1] or "")
            yield found[2], found[3], signed[1] if signed else ""


def apt_sources():
    """(uri, suite, keyring) of every enabled source of this machine with a component main.

    That component keeps most vendors' repositories out, which are not Debian itself.
    """
    etc = Path("/etc/apt")
    entries = []
    files = [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))]
    for path in files:
        if path.suffix not in (".list", ".sources") or not path.is_file():
            continue
        parse = _deb822 if path.suffix == ".sources" else _oneline
        entries += parse(path.read_text(encoding="utf-8", errors="replace"))
    return entries


def archive(host):
    """(uri, keyrings) of the source from which this machine takes its own suite."""
    for uri, suite, signed in apt_sources():
        if suite in (host, "stable", "oldstable", "testing", "unstable"):
            return uri, ",".join(dict.fromkeys(x for x in (signed, KEYRING) if x))
    raise LabError("no apt source of this machine serves Debian's main suite: "
                   "see /etc/apt/sources.list.d")


BACKPORTS = "-backports"
ROLLING = ("sid", "forky")      # suites without backports
UPDATES = ("-updates", "-security")


def base_suite(suite):
    """The release that a suite belongs to."""
    return suite.removesuffix(BACKPORTS)


def source_lines(suite, updates=True):
    """One-line sources for a suite, of a release that may be another than the machine's.

    "host" is what the machine has, and its backports.  Backports come with their release.
    updates: with stable and security updates, as users have them, if this machine has its own.
    """
    host = codename()
    uri, keys = archive(host)

    def line(u, s, signed=""):
        ring = ",".join(dict.fromkeys(x for x in (signed, *keys.split(",")) if x))
        return f"deb [signed-by={ring}] {u} {s} main"

    lines = []
    if suite == "host":
        lines = [line(*x) for x in apt_sources() if x[1] == host or x[1].startswith(f"{host}-")]
        if host not in ROLLING:
            lines.append(line(uri, f"{host}{BACKPORTS}"))
    else:
        base = base_suite(suite)
        lines.append(line(uri, base))
        if updates and base != "sid":
            lines += [line(u, base + s.removeprefix(f"{host}"), signed)
                      for u, s, signed in apt_sources() if s in {f"{host}{x}" for x in UPDATES}]
        if suite != base:
            lines.append(line(uri, suite))
    return list(dict.fromkeys(lines))


def bootstrap_options():
    """mmdebstrap options that carry this machine's proxy and the like into a new tree."""
    out = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False,
                         timeout=20).stdout
    lines = re.findall(r'^(Acquire::(?:https?|ftp|Check-|ForceIPv|Retries)\S* ".+");$', out, re.M)
    return [f"--aptopt={x}" for x in ("Acquire::Languages none", *lines)]


class Apt:
    """apt with a private list of sources; for another architecture only to download from."""

    def __init__(self, suite, arch=None):
        self.suite, self.arch = suite, arch
        self.dir = cache_dir() / "apt" / (f"{suite}-{arch}" if arch else suite)
        self.list = self.dir / "sources.list"

    @property
    def options(self):
        # The sandbox user cannot read a cache in somebody's home: fetch as who we are.
        opts = {
            "Dir::Etc::sourcelist": self.list,
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State::Lists": self.dir / "lists",
            "Dir::Cache": self.dir / "cache",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "DPkg::Lock::Timeout": "300",
            "Dpkg::Use-Pty": "0",
        }
        if self.arch:
            # Nothing of the host's own packages matters to a mere download.
            opts |= {"APT::Architecture": self.arch, "APT::Architectures": self.arch,
                     "Dir::State::status": "/dev/null"}
        return [x for k, v in opts.items() for x in ("-o", f"{k}={v}")]

    def lines(self):
        """The sources in use, after update()."""
        return self.list.read_text(encoding="utf-8").splitlines()

    def update(self, max_age=LISTS_MAX_AGE):
        """Fetch the package lists unless they are young and of these very sources."""
        with locked(f"lists-{self.dir.name}"):
            self._update(max_age)

    def _update(self, max_age):
        lines = source_lines(self.suite)
        # A mirror need not have the updates of other releases than the machine's.
        fewer = source_lines(self.suite, updates=False) if self.suite != "host" else lines
        stamp = self.dir / "updated"
        if stamp.exists() and self.list.exists() and self.lines() in (lines, fewer) \
                and time.time() - stamp.stat().st_mtime < max_age:
            return
        for sub in ("lists/partial", "cache/archives/partial"):
            (self.dir / sub).mkdir(parents=True, exist_ok=True)
        with Progress.step(f"package lists of {self.dir.name}"):
            try:
                self._fetch_lists(lines)
            except LabError:
                if fewer == lines:
                    raise
                self._fetch_lists(fewer)
        stamp.touch()

    def _fetch_lists(self, lines):
        self.list.write_text("\n".join(lines) + "\n", encoding="utf-8")
        # Without the option apt takes it for success when nothing could be reached.
        run_logged(["apt-get", *self.options, "-o", "APT::Update::Error-Mode=any", "update", "-q"],
                   log_path("apt.log"), 300)

    def show(self, package):
        """The control fields of the newest version of a package."""
        out = subprocess.run(["apt-cache", *self.options, "show", package], text=True,
                             capture_output=True, check=False, timeout=60).stdout
        best = None
        for para in out.split("\n\n"):
            fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", para, re.M))
            if "Version" in fields and (best is None or subprocess.run(
                    ["dpkg", "--compare-versions", fields["Version"], "gt", best["Version"]],
                    check=False).returncode == 0):
                best = fields
        if best is None:
            raise LabError(f"{self.suite} has no package {package}; "
                           f"sources used: {self.list}")
        return best

    def download(self, packages, into):
        into.mkdir(parents=True, exist_ok=True)
        run_logged(["apt-get", *self.options, "-q", "download", *packages],
                   log_path("apt.log"), 600, cwd=into)
        return sorted(into.glob("*.deb"))

    def install(self, packages, target=None):
        env = dict(os.environ, DEBIAN_FRONTEND="noninteractive", NEEDRESTART_SUSPEND="1")
        cmd = ["apt-get", *self.options, "-q", "-y", "--no-install-recommends"]
        if target:
            cmd += ["-t", target]
        with Progress.step(f"installing {' '.join(packages)}"):
            run_logged([*cmd, "install", *packages], log_path("apt.log"), 1200, env=env)


# --- groups of packages --------------------------------------------------------------------


def _tool(name):
    return lambda: bool(shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin"))


def _file(pattern):
    return lambda: any(Path("/").glob(pattern.lstrip("/")))


def _qemu():
    version = qemu_version() if shutil.which(QEMU) else None
    return version is not None and version[0] >= QEMU_MIN


# group: {package: (what shows that it is there, whether a newer one than bookworm's is needed)}
GROUPS = {
    "lab": {
        "qemu-system-x86": (_qemu, True),
        "mmdebstrap": (_tool("mmdebstrap"), False),
        "squashfs-tools-ng": (_tool("tar2sqfs"), False),
        "debian-archive-keyring": (_file(KEYRING), False),
        "kmod": (_tool("depmod"), False),
        "xz-utils": (_tool("xz"), False),
        "zstd": (_tool("zstd"), False),
        "iproute2": (_tool("ip"), False),
    },
    "build": {
        "make": (_tool("make"), False),
        "gcc": (_tool("gcc"), False),
        "libc6-dev": (_file("/usr/include/stdio.h"), False),
        "kmod": (_tool("modinfo"), False),
    },
    "check": {
        "sparse": (_tool("sparse"), False),
        "clang": (_tool("clang"), False),
        "shellcheck": (_tool("shellcheck"), False),
        "codespell": (_tool("codespell"), False),
        "coccinelle": (_tool("spatch"), False),
        "perl": (_tool("perl"), False),
        "gcc-aarch64-linux-gnu": (_tool("aarch64-linux-gnu-gcc"), False),
        "gcc-s390x-linux-gnu": (_tool("s390x-linux-gnu-gcc"), False),
    },
    "test": {
        "python3-pytest": (_file("/usr/lib/python3/dist-packages/pytest"), False),
        "python3-pytest-xdist": (_file("/usr/lib/python3/dist-packages/xdist"), False),
        "python3-pytest-rerunfailures":
            (_file("/usr/lib/python3/dist-packages/pytest_rerunfailures.py"), False),
        "python3-yaml": (_file("/usr/lib/python3/dist-packages/yaml"), False),
        "dkms": (_tool("dkms"), False),
        "openssl": (_tool("openssl"), False),
        "lintian": (_tool("lintian"), False),
    },
    "package": {
        "debhelper": (_tool("dh"), False),
        "dh-dkms": (_tool("dh_dkms"), False),
        "dpkg-dev": (_tool("dpkg-buildpackage"), False),
    },
    "kselftest": {
        "clang": (_tool("clang"), False),
        "libbpf-dev": (_file("/usr/include/bpf/bpf_helpers.h"), False),
    },
    "bench": {
        "python3-matplotlib": (_file("/usr/lib/python3/dist-packages/matplotlib"), False),
    },
    "verify": {
        "spin": (_tool("spin"), False),
        "gcc": (_tool("gcc"), False),
        "libc6-dev": (_file("/usr/include/stdio.h"), False),
        "debian-archive-keyring": (_file(KEYRING), False),
        "xz-utils": (_tool("xz"), False),
    },
    "kernel": {
        "flex": (_tool("flex"), False),
        "bison": (_tool("bison"), False),
        "bc": (_tool("bc"), False),
        "rsync": (_tool("rsync"), False),
        "cpio": (_tool("cpio"), False),
        "libelf-dev": (_file("/usr/include/libelf.h"), False),
        "libssl-dev": (_file("/usr/include/openssl/ssl.h"), False),
    },
}


def missing(groups):
    """[(package, needs a newer one)] of the groups that this machine lacks."""
    found = {}
    for group in groups:
        for package, (there, newer) in GROUPS[group].items():
            if package not in found and not there():
                found[package] = newer
    return sorted(found.items())


def ensure(groups):
    """Install what the groups lack, or say what is missing and what to type."""
    lacking = missing(groups)
    if not lacking:
        return
    host = codename()
    if host is None or not is_root():
        raise LabError(_advice(lacking, host))
    with locked("apt"):
        lacking = missing(groups)
        apt = Apt("host")
        apt.update()
        backports = host in ("bookworm",)
        for newer in (False, True):
            packages = [p for p, n in lacking if (n and backports) is newer]
            if packages:
                apt.install(packages, f"{host}-backports" if newer else None)
        left = missing(groups)
    if left:
        raise LabError(f"still missing after installation: {' '.join(p for p, _ in left)}; "
                       f"log: {log_path('apt.log')}")


def _advice(lacking, host):
    lines = ["this machine lacks:"]
    for package, newer in lacking:
        lines.append(f"       {package}" + (f" (QEMU {QEMU_MIN} or newer)" if newer else ""))
    if host is None:
        lines.append("     It is not Debian, so nothing was installed: install what provides "
                     "these (Debian's package names) and run this again.")
    else:
        plain = [p for p, n in lacking if not n or host != "bookworm"]
        newer = [p for p, n in lacking if n and host == "bookworm"]
        lines.append("     You are not root, so nothing was installed. Run this again as root, "
                     "or type:")
        if plain:
            lines.append(f"       sudo apt-get install {' '.join(plain)}")
        if newer:
            lines.append(f"       sudo apt-get install -t {host}-backports {' '.join(newer)}")
    return "\n".join(lines)
