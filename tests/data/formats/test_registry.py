"""Formats are found by their names, and each says of itself what the commands need to know."""

import numpy as np
import pytest

from base.errors import InputError
from data.formats.exporting import ExportOptions, describe_outputs, export_store
from data.formats.importing import ImportOptions, describe_inputs, import_store
from data.formats.options import ReadOptions, WriteOptions
from data.formats.registry import FORMATS, FormatKind, find_format
from data.skeletons.layouts import LAYOUTS


@pytest.fixture
def added():
    names = []

    def add(name, **changes):
        names.append(name)
        basic = {"label": "Nobody", "reads": "nothing", "guess": lambda path: 0, "open": None}
        return FORMATS.add(name, FormatKind(**basic | changes))

    yield add
    for name in names:
        FORMATS.remove(name)


def test_the_formats():
    assert set(FORMATS.names()) >= {"pyskl", "ctrgcn", "stgcn", "skeleton", "npy"}
    assert find_format("npy") is FORMATS["npy"]


@pytest.mark.parametrize(("name", "advice"), [("pyskel", "did you mean 'pyskl'"), ("mat", "there are ctrgcn, npy")])
def test_an_unknown_format_is_told_with_those_that_there_are(store, tmp_path, name, advice):
    for attempt in (
        lambda: export_store(store.folder, tmp_path / "a", ExportOptions(name)),
        lambda: import_store(store.folder, tmp_path / "a", ImportOptions(name)),
    ):
        with pytest.raises(InputError, match=f"--format: no format is called '{name}'; {advice}"):
            attempt()


@pytest.mark.parametrize("name", FORMATS.names())
def test_what_a_format_takes_and_holds_is_known(name):
    """A word that no command knows would be a mistake of the format's that nobody sees."""
    kind = FORMATS[name]
    assert set(kind.writes_with) <= set(vars(WriteOptions()))
    assert set(kind.reads_with) <= set(vars(ReadOptions()))
    assert kind.layouts
    assert set(kind.layouts) <= set(LAYOUTS)


def test_a_format_that_can_only_be_read_or_written_is_told(added, store, tmp_path):
    added("written", outputs=FORMATS["npy"].outputs)
    added("read", open=FORMATS["npy"].open)
    with pytest.raises(InputError, match="--format read: can be read and not written; choose another format"):
        export_store(store.folder, tmp_path / "a", ExportOptions("read"))
    export_store(store.folder, tmp_path / "a", ExportOptions("written"))
    with pytest.raises(InputError, match="--format written: can be written and not read; choose another format"):
        import_store(tmp_path / "a", tmp_path / "store", ImportOptions("written"))
    import_store(tmp_path / "a", tmp_path / "store", ImportOptions("read"))
    assert "read" not in dict(describe_outputs())
    assert "written" not in dict(describe_inputs())


def test_other_formats_are_advised_where_there_are_any(added, make_store, tmp_path):
    flat = make_store("coco17").folder
    with pytest.raises(InputError, match=r"--format npy holds ntu25; use --format pyskl$"):
        export_store(flat, tmp_path / "a", ExportOptions("npy"))
    beyond = make_store("coco17", clips=(((1, 1, 121), 9, [(0, 0, 9)]),)).folder
    with pytest.raises(InputError, match=r"actions 1 to 120; leave the clip out$"):
        export_store(beyond, tmp_path / "a.pkl", ExportOptions("pyskl"))
    added("wide", outputs=FORMATS["pyskl"].outputs, layouts=("coco17",), actions=150)
    with pytest.raises(InputError, match=r"actions 1 to 120; leave the clip out or use --format wide$"):
        export_store(beyond, tmp_path / "a.pkl", ExportOptions("pyskl"))
    export_store(beyond, tmp_path / "a.pkl", ExportOptions("wide"))


def test_a_format_has_defaults_of_its_own(added, make_store, tmp_path):
    """PYSKL's are halves, and positions of 2 to 4 m in halves are multiples of 2^-9 m."""
    store = make_store()
    kind = FORMATS["pyskl"]
    added("full", open=kind.open, outputs=kind.outputs, writes_with={"dtype": "float32"})
    sizes = {}
    for name in ("pyskl", "full"):
        export_store(store.folder, tmp_path / f"{name}.pkl", ExportOptions(name))
        sizes[name] = (tmp_path / f"{name}.pkl").stat().st_size
    numbers = sum(np.prod(store.joints.shape[1:]) * length for length in store.tracks.length)
    assert sizes["full"] - sizes["pyskl"] >= 2 * numbers
