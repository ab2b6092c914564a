"""Somebody else's package adds a section of the report and an arm, and the real command takes them (docs/adding.md)."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]

SECTION = '''
from dataclasses import dataclass

from ablation.page.theme import colour_of, new_axes
from ablation.sections.registry import SECTIONS, Chapter, Drawing, Section
from base.tables import Column, Table

LENGTHS = Chapter("lengths", "How long the clips are", 45)


@dataclass(frozen=True)
class Lengths:
    frames: list[int]


def find_lengths(study):
    store = study.stores[study.against]
    return Lengths([int(n) for n, name in zip(store.clips.frames, store.clips.name) if name in study.names])


def tables(study, found):
    columns = (Column("clip"), Column("frames"))
    return [Table("lengths", "Frames of the test clips", columns, list(enumerate(found.frames)))]


def drawings(study, found):
    figure, axes = new_axes(2)
    axes.plot(found.frames, color=colour_of(study, study.main))
    return [Drawing("lengths", figure, f"Line of {len(found.frames)} lengths.")]


HTML = """
<p>The longest of {{ found.frames | length }} clips has {{ values.longest }} frames, {{ study.label(study.main) }}.</p>
{% call figure("lengths", "Lengths.") %}One <em>point</em> per clip.{% endcall %}
{{ table(tables["lengths"]) }}
"""

SECTIONS.add(
    "lengths",
    Section(
        LENGTHS,
        10,
        find_lengths,
        {"lead": HTML},
        tables=tables,
        drawings=drawings,
        caveats=lambda study, found: ["Lengths say nothing about content."],
        notes=lambda study, found: {"longest": max(found.frames)},
        values=lambda study, found: {"longest": max(found.frames)},
    ),
)
'''
ARM = """
from ablation.arms.registry import ARMS, ArmKind, ArmStore
from ablation.study.stores import shared_folder
from data.skeletons.store import derive_store, open_store


def make(config, source, arm, base, content):
    folder = shared_folder(config, "stores", {"from": content, "arm": "mirrored"})
    if not (folder / "store.json").is_file():
        info = base.info.model_copy(update={"kind": "filtered"})
        derive_store(base, folder, lambda done: [base.joints[done:] * (-1, 1, 1)], info)
    return ArmStore(open_store(folder), "x turned round")


ARMS.add("mirrored", ArmKind("mirror image", make, "skeletons in a mirror ({label})"))
"""


def install(folder: Path, name: str, source: str, group: str) -> None:
    """Lay a package with one entry point into a folder, as pip does."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(source, encoding="utf-8")
    about = folder / f"{name}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{group}]\n{name} = {name}\n")


def test_a_section_and_an_arm_from_elsewhere(settings, tmp_path):
    install(tmp_path / "site", "lengths", SECTION, "steady.sections")
    install(tmp_path / "site", "mirrored", ARM, "steady.arms")
    changed = {"arms": ["raw", "mirrored"], "seeds": [0], "report": {"explained": 0}, "executor": "serial"}
    file = tmp_path / "study.yaml"
    file.write_text(yaml.safe_dump(json.loads(json.dumps({**settings, **changed}, default=str))))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(tmp_path / "site"), "COLUMNS": "100"}
    command = [sys.executable, str(ROOT / "run.py"), "ablate", str(file)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "skeletons in a mirror (mirror image)" in " ".join(done.stdout.split())
    assert re.search(r"│ mirror image +│", done.stdout)
    folder = settings["run"]["dir"]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert '<h2 id="lengths">How long the clips are</h2>' in page
    # six of the clips are of performer 3, who is tested on; all have 24 frames
    assert "The longest of 6 clips has 24 frames, mirror image." in page
    assert page.index('id="skeletons"') < page.index('id="lengths"') < page.index('id="caveats"')
    assert "Lengths say nothing about content." in page
    assert "x turned round" in page
    assert 'aria-label="Line of 6 lengths."' in page
    assert "One <em>point</em> per clip." in page
    assert (folder / "tables" / "lengths.csv").read_text().splitlines()[1] == "0,24"
    assert (folder / "figures" / "lengths.png").is_file()
    assert json.loads((folder / "details.json").read_text())["longest"] == 24
    assert set(json.loads((folder / "results.json").read_text())["arms"]) == {"raw", "mirrored"}
