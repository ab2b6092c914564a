"""Extras that texts, messages and docstrings name are extras that there are."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = (r"extras? `([\w, ]+)`", r"steady-skeletons\[([\w, ]+)\]", r"pip install -e '\.\[([\w, ]+)\]'")


def test_extras_that_are_named_exist():
    known = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
    folders = ("ablation", "bench", "configs", "data", "docs", "recognition", "refine", "training")
    texts = [ROOT / "README.md", ROOT / "run.py", ROOT / "pyproject.toml"]
    texts += [
        path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".md", ".yaml")
    ]
    named = {
        (extra.strip(), path.name)
        for path in texts
        for pattern in NAMED
        for words in re.findall(pattern, path.read_text(encoding="utf-8"))
        for extra in words.split(",")
    }
    assert len({extra for extra, _ in named}) > 3
    assert not [(extra, path) for extra, path in named if extra not in known]
