# SPDX-License-Identifier: GPL-2.0
"""kexec.py: this kernel again, at once; drivers' shutdown handlers run, nothing else ends."""

import ctypes
import os

KEXEC_FILE_LOAD, REBOOT = 320, 169      # system calls of x86-64
MAGIC, MAGIC2, KEXEC = 0xfee1dead, 672274793, 0x45584543

with open("/proc/cmdline", "rb") as f:
    command_line = f.read().strip() + b"\0"
libc = ctypes.CDLL(None, use_errno=True)
kernel = os.open("/payload/vmlinuz", os.O_RDONLY)
initramfs = os.open("/payload/initramfs", os.O_RDONLY)
for call in ((KEXEC_FILE_LOAD, kernel, initramfs, len(command_line), command_line, 0),
             (REBOOT, MAGIC, MAGIC2, KEXEC, None)):
    if libc.syscall(*(ctypes.c_long(x) if isinstance(x, int) else x for x in call)):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
