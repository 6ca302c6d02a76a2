# SPDX-License-Identifier: GPL-2.0
"""The VM lab: boots QEMU guests with an emulated 82574L, and talks to them."""

from .channels import CommandFailed, GuestError, GuestTimeout
from .guest import Guest, GuestConfig, Process, Result
from .util import LabError, UsageError

__all__ = ["CommandFailed", "Guest", "GuestConfig", "GuestError", "GuestTimeout", "LabError",
           "Process", "Result", "UsageError"]
