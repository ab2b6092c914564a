"""Which rooms of the house may know of which: there are no circles, and the lower ones serve whoever comes."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BELOW = {
    "base": set(),
    "data": {"base"},
    "drawing": {"base", "data"},
    "training": {"base"},
    "refine": {"base", "data", "drawing", "training"},
    "recognition": {"base", "data", "drawing", "training"},
    "ablation": {"base", "data", "drawing", "training", "refine", "recognition"},
}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)


@pytest.mark.parametrize("room", BELOW)
def test_a_room_imports_only_those_below_it(room):
    others = (BELOW.keys() | {"run", "steady", "tests", "bench"}) - BELOW[room] - {room}
    modules = sorted((ROOT / room).rglob("*.py"))
    assert modules
    found = {(str(path.relative_to(ROOT)), name) for path in modules for name in imported(path) if name in others}
    assert not found
