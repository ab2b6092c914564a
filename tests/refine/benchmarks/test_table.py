import pytest
import yaml
from pydantic import ValidationError

from base.errors import InputError
from refine.benchmarks.table import Row, benchmarks, find_benchmark, named

# What the release reports: MPJPE and Accel of input and output, of the network trained on the last (a = AIST++ VIBE,
# h = Human3.6M FCN, p = 3DPW SPIN), written down a second time.
PUBLISHED = """
aist_spin_3D 107.17 33.19 95.21 4.17 a
aist_tcmr_3D 106.72 6.40 105.51 4.24 a
aist_vibe_3D 106.90 31.64 97.47 4.15 a
h36m_fcn_3D 54.55 19.17 52.72 1.03 h
h36m_rle_3D 48.87 7.75 48.27 0.90 h
h36m_tcmr_3D 73.57 3.77 73.89 2.79 h
h36m_vibe_3D 78.10 15.81 77.23 2.86 h
h36m_videoposet27_3D 50.13 3.53 50.04 0.88 h
h36m_videoposet81_3D 48.97 3.06 48.89 0.87 h
h36m_videoposet243_3D 48.11 2.82 48.05 0.87 h
mpiinf3dhp_spin_3D 100.74 28.54 92.89 6.54 p
mpiinf3dhp_tcmr_3D 92.83 7.92 88.93 6.49 p
mpiinf3dhp_vibe_3D 92.39 22.37 87.57 6.50 p
mupots_tposenet_3D 103.33 12.70 100.78 7.23 a
mupots_tposenetrefinenet_3D 93.97 9.53 91.78 7.21 a
pw3d_eft_3D 90.32 32.71 88.40 6.07 p
pw3d_pare_3D 78.91 25.64 78.11 5.91 p
pw3d_spin_3D 96.85 34.55 95.84 6.17 p
pw3d_tcmr_3D 86.46 6.76 86.48 5.95 h
pw3d_vibe_3D 82.97 23.16 81.49 5.98 h
h36m_cpn_2D 6.67 2.91 6.45 0.14 h
h36m_hourglass_2D 9.42 1.54 9.25 0.15 h
h36m_hrnet_2D 4.59 1.01 4.54 0.13 h
h36m_rle_2D 5.14 0.90 5.11 0.13 h
aist_spin_smpl 107.72 33.21 103.00 5.72 a
aist_tcmr_smpl 106.95 6.47 106.39 4.68 h
aist_vibe_smpl 107.41 31.65 102.06 5.95 h
pw3d_eft_smpl 91.60 33.38 89.57 7.89 p
pw3d_pare_smpl 79.93 26.45 78.68 6.31 p
pw3d_spin_smpl 99.28 34.95 97.81 7.40 p
pw3d_tcmr_smpl 88.46 7.12 88.37 6.52 h
pw3d_vibe_smpl 84.27 23.59 83.14 7.24 h
"""
MODELS = {"a": "aist_vibe_3D", "h": "h36m_fcn_3D", "p": "pw3d_spin_3D"}


def test_every_row_is_named_after_its_parts():
    assert len(benchmarks()) == 34
    for name, row in benchmarks().items():
        assert name == f"{row.dataset}_{row.estimator}_{row.representation}"
        assert (row.unit == "px") == (row.representation == "2D") == (row.root == ())


def test_all_data_sets_and_estimators_are_there():
    rows = benchmarks().values()
    assert {row.dataset for row in rows} == {"ntusim", "h36m", "aist", "pw3d", "mpiinf3dhp", "mupots", "jhmdb"}
    named_ones = "spin tcmr vibe cpn fcn hourglass hrnet rle videoposet27 videoposet81 videoposet243 tposenet"
    assert {row.estimator for row in rows} == {
        *named_ones.split(),
        "tposenetrefinenet",
        "eft",
        "pare",
        "simplepose",
        "kinect",
    }


@pytest.mark.parametrize("line", PUBLISHED.split("\n")[1:-1])
def test_published_figures(line):
    name, *figures, model = line.split()
    published = find_benchmark(name).published
    assert published.model == MODELS[model]
    values = [published.input.mpjpe, published.input.accel, published.output.mpjpe, published.output.accel]
    assert values == [float(figure) for figure in figures]


def test_bones_form_a_body():
    for row in benchmarks().values():
        for joints, bones in row.bones.items():
            assert joints in row.joints
            assert {joint for bone in bones for joint in bone} == set(range(joints)), row.name


def test_unknown_name():
    with pytest.raises(InputError, match=r"h36m_fcn_4D: no such benchmark; choose from .*h36m_fcn_3D"):
        find_benchmark("h36m_fcn_4D")


def test_file_names(tmp_path):
    row = find_benchmark("pw3d_spin_smpl")
    folder = tmp_path / "pw3d_spin_smpl"
    assert row.paths(tmp_path, "test") == (
        folder / "detected" / "pw3d_spin_smpl_test.npz",
        folder / "groundtruth" / "pw3d_gt_smpl_test.npz",
    )


MINE = """
dataset: mine
estimator: lifter
representation: 3D
fps: 25
joints: {17: [0], 14: [2, 3]}
unit: mm
files: {detected: "{dataset}/{estimator}_{split}.npz", groundtruth: "{dataset}/truth_{split}.npz"}
"""


def test_a_row_of_ones_own(tmp_path):
    mine = {"mine_lifter_3D": Row.model_validate(yaml.safe_load(MINE))}
    row = find_benchmark("mine_lifter_3D", mine)
    assert row.paths(tmp_path, "train") == (
        tmp_path / "mine" / "lifter_train.npz",
        tmp_path / "mine" / "truth_train.npz",
    )
    assert (row.root, row.of(14).root) == ((0,), (2, 3))
    assert find_benchmark("h36m_fcn_3D", mine) == find_benchmark("h36m_fcn_3D")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"unit": "px"}, "unit px does not go with 3D"),
        ({"joints": {17: [17]}}, "is outside 0 to 16"),
        ({"bones": {17: [[0, 17]]}}, "is outside 0 to 16"),
        ({"files": {"detected": "{folder}/x.npz"}}, "can be filled in"),
        ({"joints": {}}, "at least 1 item"),
        ({"fps": 0}, "greater than or equal to 1"),
        ({"fps": float("inf")}, "finite number"),
        ({"pick": {20: [0, 1, 2]}}, "name 17 or 14 different joints out of 0 to 19"),
        ({"normalise": "image_size"}, "normalise is for poses in an image"),
        ({"unit": "px", "representation": "2D"}, "poses in an image have no root"),
        ({"joint": 3}, "Extra inputs"),
    ],
)
def test_a_row_that_makes_no_sense(change, text):
    with pytest.raises(ValidationError, match=text):
        named("mine_lifter_3D", {**yaml.safe_load(MINE), **change})
