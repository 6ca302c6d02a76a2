#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""tests/static/rules.py [--check]: tests and mutants, written into Documentation/rules.rst.

The code column is written by hand; what proves a rule follows from the markers of the tests and
the names of the mutants.  test_static.py fails when the table is not what this would write.
"""

import ast
import difflib
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
TABLE = TOP / "Documentation/rules.rst"
ENTRY = re.compile(r"^   \* - ([TRDPX]\d+)\n(?:(?!^   \* - |^\S).*\n)*", re.M)


def marked(path):
    """(rule, test) of each marker in a file."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.rule":
                for rule in mark.args:
                    yield rule.value, node.name


def proofs():
    """{rule: lines of the last column}."""
    found = {}
    for path in sorted((TOP / "tests").glob("*/test_*.py")):
        for rule, test in marked(path):
            found.setdefault(rule, {}).setdefault(path.relative_to(TOP / "tests"), []).append(test)
    lines = {rule: [f"``{path}``: " + ", ".join(f"``{t}``" for t in tests)
                    for path, tests in files.items()] for rule, files in found.items()}
    mutants = {}
    for path in sorted((TOP / "tests/mutants").glob("*.patch")):
        rule, _, name = path.stem.partition("-")
        mutants.setdefault(rule, []).append(f"``{name}``")
    for rule, names in mutants.items():
        lines.setdefault(rule, []).append("mutants: " + ", ".join(names))
    return lines


def rewritten(text):
    known = proofs()

    def entry(match):
        head, _, old = match[0].rpartition("\n     - ")
        kept = [x for x in re.split(r"\n +\| |^\| ", old.strip()) if x and not
                re.match(r"``\w+/test_\w+\.py``|mutants: ``", x)]
        lines = known.get(match[1], []) + kept
        return head + "\n     - " + "\n       ".join(f"| {x}" for x in lines) + "\n" + \
            "\n" * (len(old) - len(old.rstrip("\n")) - 1)
    return ENTRY.sub(entry, text)


def main():
    text = TABLE.read_text(encoding="utf-8")
    true = rewritten(text)
    if "--check" not in sys.argv:
        TABLE.write_text(true, encoding="utf-8")
    elif true != text:
        sys.stdout.writelines(difflib.unified_diff(text.splitlines(True), true.splitlines(True),
                                                   "as it is", "as tests/static/rules.py has it"))
        sys.exit(1)


main()
