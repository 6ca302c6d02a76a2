# SPDX-License-Identifier: GPL-2.0
"""The rooms of Documentation/design.rst, held against what the objects call.

Each source file is a room.  The table lists the rooms with the callees first, so a call that
goes down the table is one that must not be, and there can be no circle.
"""

import re
import subprocess
from pathlib import Path

import pytest
from hwlab import kernels

TOP = Path(__file__).resolve().parents[2]


def table():
    """The rooms that have an object, in the order of the table."""
    text = (TOP / "Documentation/design.rst").read_text(encoding="utf-8")
    start = text.index("\nroom ")
    end = text.index("\n\n", start)
    return re.findall(r"^``(hwl_\w+)``", text[start:end], re.M)


def symbols(path, *kinds):
    done = subprocess.run(["nm", path], text=True, check=True, capture_output=True)
    return {name for kind, name in re.findall(r"^\S* *(\w) (\w+)$", done.stdout, re.M)
            if kind in kinds}


def calls(objects):
    """{room: {room that it uses: symbols}}, from what is defined and undefined."""
    home = {s: p.stem for p in objects for s in symbols(p, *"TDBRV")}
    used = {}
    for path in objects:
        for name in symbols(path, "U"):
            if name in home:
                used.setdefault(path.stem, {}).setdefault(home[name], set()).add(name)
    return used


@pytest.fixture
def objects(built):
    tree, _ = built(kernels.own_suite())
    return sorted((tree / "src").glob("*.o"))


def test_each_room_is_in_the_table(objects):
    rooms = table()
    assert len(set(rooms)) == len(rooms), "a room is listed twice"
    assert {p.stem for p in objects} == set(rooms)


def test_no_room_calls_down_the_table(objects):
    """A room may use those above it; a circle would have a call that goes down."""
    rank = {room: i for i, room in enumerate(table())}
    down = [f"{room} uses {', '.join(sorted(names))} of {other}"
            for room, uses in calls(objects).items() for other, names in uses.items()
            if rank[other] >= rank[room]]
    assert not down, "\n".join(down)


def test_files_have_a_size_that_can_be_read():
    long = {p.name: n for p in TOP.glob("src/*.c")
            if (n := len(p.read_text(encoding="utf-8").splitlines())) > 600}
    assert not long, f"more than 600 lines: {long}"
