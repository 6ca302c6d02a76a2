# SPDX-License-Identifier: GPL-2.0
"""Hosts end with their test, and a model that died fails it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from client import Host


@pytest.fixture
def hosts():
    """Make hosts: hosts(*arguments of the model)."""
    made = []

    def make(*args, **kwargs):
        host = Host(*args, **kwargs)
        made.append(host)
        return host

    yield make
    for host in made:
        host.close()


@pytest.fixture
def host(hosts):
    """One with its link up."""
    made = hosts()
    made.link_up()
    return made
