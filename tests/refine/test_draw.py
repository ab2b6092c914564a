"""The stage on every published benchmark, from small files as released."""

import re
from pathlib import Path

import pytest
from PIL import Image

from base.config import load_config
from base.errors import InputError
from refine.config import RefineConfig
from refine.stage import refine
from tests.refine.conftest import write_published

CONFIG = Path(__file__).parents[2] / "configs/refine/h36m_fcn_3D.yaml"
SMALL_NET = ["model.window=8", "model.hidden=16", "model.res_hidden=4", "train.epochs=2", "train.windows=60"]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return write_published(tmp_path_factory.mktemp("published"))


@pytest.fixture
def configured(published, monkeypatch):
    """Return a function that makes a small configuration in the folder; it takes overrides."""
    monkeypatch.chdir(published)
    return lambda *words: load_config(RefineConfig, CONFIG, ["benchmarks.root=poses", *SMALL_NET, *words])


def test_images_lie_under_poses(published, configured):
    folder = published / "images"
    for frame in range(4, 24):
        path = folder / f"s0/{frame:06d}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (1000, 800), (200, 30, 30)).save(path, "PNG")
    words = ["train.epochs=1", "evaluate.on=[]", "figures.benchmark=jhmdb_simplepose_2D", "figures.animation=none"]
    pictures = {}
    for name, more in (("without", []), ("with", ["figures.images=images"])):
        results = refine(configured(*words, *more, "figures.frames=[4, 24]", f"run.dir=images-{name}"))
        with Image.open(results["figures"][1]) as picture:
            colours = picture.convert("RGB").getcolors(1 << 24)
        pictures[name] = sum(count for count, (red, green, _) in colours if red > 150 and green < 130)
    assert pictures["with"] > 10 * pictures["without"] + 1000


@pytest.mark.parametrize("name", ["h36m_fcn_3D", "jhmdb_simplepose_2D", "pw3d_spin_smpl"])
def test_pictures_of_a_sequence(configured, name):
    words = ["train.epochs=1", "smpl.model=SMPL_NEUTRAL.pkl", "evaluate.on=[]", f"figures.benchmark={name}"]
    results = refine(configured(*words, "figures.frames=[4, 24]", f"run.dir=pictures-{name}"))
    errors, skeletons, animation = map(Path, results["figures"])
    for path in (errors, skeletons):
        with Image.open(path) as picture:
            assert min(picture.size) > 200
    with Image.open(animation) as picture:
        assert picture.n_frames == 20


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["evaluate.on=[pw3d_spin_smpl]"], "smpl.model: found null"),
        (["evaluate.on=[pw3d_spin_smpl]", "smpl.model=absent.pkl"], "absent.pkl: no such SMPL model; register at"),
        (["evaluate.on=[pw3d_spin_smpl]", "smpl.model=poses/h36m_fcn_3D/detected/h36m_fcn_3D_test.npz"], "v_template"),
        (["train.on=[pw3d_spin_smpl]"], "train.on: pw3d_spin_smpl has rotations"),
        (["train.on={h36m_fcn_3D: -1}"], "greater than 0"),
        (["evaluate.on=all", "benchmarks.root=nowhere"], "nowhere"),
        (["figures.benchmark=h36m_fcn_3D", "figures.sequence=7"], "no usable sequence 7; choose one from 0 to 1"),
        (["figures.benchmark=h36m_fcn_3D", "figures.frames=[100, 200]"], "sequence 0 has 36 frames"),
        (["evaluate.on=all", "smpl.model=poses/h36m_fcn_3D/detected/h36m_fcn_3D_test.npz"], "v_template"),
        (["figures.benchmark=pw3d_spin_smpl"], "smpl.model: found null"),
        (["figures.benchmark=h36m_cpn_2D", "figures.images=nowhere"], "no such image; figures.images needs one"),
        (["train.on=[h36m_fcn_3D, h36m_fcn_3D]"], "each may be named once"),
        (["train.on=[]", "train.checkpoint={}"], "name at least one trained refiner"),
        (["compare.window=[8, 8]"], "each may be named once"),
        (["compare.window=[8]", "apply.input=a", "apply.output=b"], "compare: several refiners cannot be applied"),
        (["compare.train_on=[aist_spin_4D]"], "aist_spin_4D: no such benchmark"),
        (["compare.checkpoints=[absent.pth.tar]"], "absent.pth.tar: cannot be read (No such file"),
        (["benchmarks.rows={mine: {dataset: mine}}"], "benchmarks.rows.mine"),
        (["evaluate.stride=[1, 16]"], "evaluate.stride 16 is more than the window of 8 frames"),
    ],
)
def test_a_mistake_about_benchmarks_costs_one_line(published, configured, words, message):
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        refine(configured(*words, "run.dir=refused"))
    assert "\n" not in str(caught.value)
    assert not (published / "refused").exists()
