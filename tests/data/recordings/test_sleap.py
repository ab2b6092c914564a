import numpy as np
import pytest

from base.errors import InputError
from data.recordings.guessing import guess_recording
from data.recordings.sleap import read
from tests.data.recordings.checks import check_damaged, content_after

h5py = pytest.importorskip("h5py")
POINTS = np.random.default_rng(0).normal(100, 50, (6, 2, 4, 2))  # frame, track, node, coordinate
POINTS[2:4, 1] = np.nan
POINTS[0, 0, 3] = np.nan
SCORES = np.random.default_rng(1).random((6, 2, 4)) * 1.1
SCORES[5, 0] = np.nan


@pytest.fixture
def write(tmp_path):
    def make(arrays, name="a.analysis.h5", **options):
        path = tmp_path / name
        with h5py.File(path, "w") as file:
            for key, values in arrays.items():
                file.create_dataset(key, data=values, **(options if key == "tracks" else {}))
        return path

    return make


def analysis():
    """As SLEAP writes it: frames last."""
    return {
        "tracks": POINTS.transpose(1, 3, 2, 0),
        "track_occupancy": np.isfinite(POINTS).any(axis=(2, 3)).astype(np.uint8),
        "node_names": np.array([b"head", b"thorax", b"left", b"right"]),
        "point_scores": SCORES.transpose(1, 2, 0),
        "edge_inds": np.array([[0, 1], [1, 2], [1, 3]]),
    }


def check_points(recording, points):
    seen = np.isfinite(points).any(axis=(2, 3))
    np.testing.assert_array_equal(recording.joints, points[seen])
    np.testing.assert_array_equal(np.stack([recording.frame, recording.person]), np.nonzero(seen))


@pytest.mark.parametrize("options", [{}, {"chunks": (1, 1, 2, 3), "compression": "gzip"}])
def test_an_analysis_file(write, options):
    path = write(analysis(), **options)
    assert guess_recording(path) == "sleap"
    recording = read(path)
    check_points(recording, POINTS)
    assert recording.names == ("head", "thorax", "left", "right")
    assert recording.bones == ((0, 1), (1, 2), (1, 3))
    assert content_after(path) == path.read_bytes()


def test_scores_are_cut_and_who_was_labelled_is_sure(write):
    recording = read(write(analysis()))
    expected = np.where(np.isnan(SCORES), 1, np.minimum(SCORES, 1))[np.isfinite(POINTS).any(axis=(2, 3))]
    np.testing.assert_array_equal(recording.confidence, expected.astype(np.float32))


@pytest.mark.parametrize("points", [POINTS, np.concatenate([POINTS, POINTS[..., :1]], axis=-1)])
def test_frames_first(write, points):
    path = write({"tracks": points}, "points3d.h5")
    assert guess_recording(path) == "sleap"
    recording = read(path)
    check_points(recording, points)
    assert recording.confidence is None
    assert content_after(path) == path.read_bytes()
    occupied = {"track_occupancy": np.zeros((6, 2), np.uint8), "point_scores": SCORES}
    recording = read(write({"tracks": points, **occupied}))
    check_points(recording, points)
    assert recording.confidence.shape == recording.joints.shape[:2]


def test_what_changes_is_written_where_it_was(write):
    path = write(analysis())
    recording = read(path)
    new = recording.joints.copy()
    new[-1] += 2
    recording.write(new, path.with_name("new.h5"))
    expected = POINTS.copy()
    expected[5, 1] += 2
    with h5py.File(path.with_name("new.h5")) as found:
        np.testing.assert_array_equal(found["tracks"], expected.transpose(1, 3, 2, 0))
        np.testing.assert_array_equal(found["point_scores"], analysis()["point_scores"])


def test_no_names_of_tracks_and_none_of_nodes_are_no_fault(write):
    arrays = analysis() | {"track_names": np.zeros(0), "node_names": np.zeros(0), "edge_inds": np.array([[0, 9]])}
    recording = read(write(arrays))
    assert recording.names == ()
    assert recording.bones == ()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": POINTS}, "has no array `tracks`"),
        ({"tracks": POINTS[0]}, "expected numbers of four axes"),
        ({"tracks": np.zeros((4, 4, 4, 4), "S3")}, "expected numbers of four axes"),
        ({"tracks": np.zeros((4, 4, 4, 4))}, r"has the shape \(4, 4, 4, 4\), expected"),
    ],
)
def test_what_is_laid_out_otherwise_is_refused(write, arrays, message):
    with pytest.raises(InputError, match=message):
        read(write(arrays))


def test_damage(write):
    check_damaged(write(analysis()), read)
