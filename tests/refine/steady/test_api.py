import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import refine as refine_package
from base.errors import InputError
from refine import refine


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def noisy(rng, frames=60, joints=25, dims=3):
    t = np.arange(frames)[:, None, None] / 30
    swing = 0.2 * np.sin(2 * np.pi * rng.uniform(0.3, 1, (1, joints, dims)) * t)
    return rng.normal(0, 0.4, (1, joints, dims)) + swing + rng.normal(0, 0.02, (frames, joints, dims))


def test_importing_is_light():
    code = "import sys, refine; assert not {'torch', 'numpy', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    code = "import sys; from refine import refine; assert not {'torch', 'pydantic', 'matplotlib'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("dims", [2, 3])
def test_noise_goes_and_nothing_happens_in_place(rng, dims):
    x = noisy(rng, dims=dims)
    given = x.copy()
    refined = refine(x, fps=30, skeleton="ntu25")
    assert (x == given).all()
    assert refined.dtype == np.float64
    jitter = [np.abs(np.diff(one, 2, axis=0)).mean() for one in (x, refined)]
    assert jitter[1] < 0.3 * jitter[0]
    assert refine(x.astype(np.float32), 30).dtype == np.float32
    assert refine((100 * x).astype(int).tolist(), 30).dtype == np.float64


def test_people_are_refined_one_by_one(rng):
    people = np.stack([noisy(rng), 5 + noisy(rng), np.full((60, 25, 3), np.nan)])
    confidence = rng.uniform(0.1, 1, people.shape[:3])
    refined = refine(people, 30, confidence)
    for person in range(2):
        np.testing.assert_array_equal(refined[person], refine(people[person], 30, confidence[person]))
    assert np.isnan(refined[2]).all()


def test_missing_stays_missing_unless_gaps_are_to_be_filled(rng):
    x = noisy(rng)
    x[20:26, 3] = np.nan  # 0.2 s
    x[40:55, 4] = np.nan  # 0.5 s
    x[:5, 5] = np.nan  # there is nothing before it
    for fill, left in ((0.0, 26), (0.2, 20), (0.5, 5)):
        refined = refine(x, 30, fill=fill)
        assert np.isnan(refined).any(-1).sum() == left
    truth = np.interp(np.arange(20, 26), [19, 26], x[[19, 26], 3, 0])
    np.testing.assert_allclose(refine(x, 30, fill=0.2)[20:26, 3, 0], truth, atol=0.1)


def test_no_confidence_leaves_a_joint_alone(rng):
    x = noisy(rng)
    confidence = np.ones((60, 25))
    confidence[10:20, 2] = 0
    confidence[30, 4] = np.nan
    refined = refine(x, 30, confidence)
    assert (refined[10:20, 2] == x[10:20, 2]).all()
    assert (refined[30, 4] == x[30, 4]).all()
    assert (refined[10:20, 3] != x[10:20, 3]).any(-1).all()


@pytest.mark.parametrize("name", ["steady", "steady_ntu25"])
def test_a_model_is_named_or_its_file_is(rng, name):
    x = noisy(rng)
    path = Path(refine_package.__file__).parent / "steady" / f"{name}.safetensors"
    found = refine(x, 30, model=path)
    np.testing.assert_array_equal(found, refine(x, 30, model=name))
    other = {"steady": "steady_ntu25", "steady_ntu25": "steady"}[name]
    assert np.abs(found - refine(x, 30, model=other)).max() > 1e-3


def test_strength(rng):
    x = noisy(rng)
    whole = refine(x, 30) - x
    np.testing.assert_allclose(refine(x, 30, strength=0.3) - x, 0.3 * whole, atol=1e-6)
    assert (refine(x, 30, strength=0) == x).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"poses": np.zeros((5, 25))}, "shape .5, 25."),
        ({"poses": np.zeros((5, 25, 4))}, "shape .5, 25, 4."),
        ({"poses": np.zeros((0, 25, 3))}, "shape .0, 25, 3."),
        ({"poses": [["a"]]}, "not an array of numbers"),
        ({"poses": np.full((5, 25, 3), np.nan)}, "every joint is missing"),
        ({"poses": np.full((5, 25, 3), np.inf)}, "infinite"),
        ({"confidence": np.zeros((60, 25))}, "every joint is missing"),
        ({"confidence": np.ones((60, 24))}, "confidence: found shape .60, 24."),
        ({"confidence": -np.ones((60, 25))}, "confidence: found -1"),
        ({"fps": None}, "fps: found None"),
        ({"fps": 0}, "fps: found 0"),
        ({"fps": np.nan}, "fps: found nan"),
        ({"strength": 1.5}, "strength: found 1.5"),
        ({"fill": -1}, "fill: found -1"),
        ({"skeleton": "body99"}, "skeleton: found 'body99'"),
        ({"skeleton": "coco17"}, "coco17 has 17 joints, the poses have 25"),
        ({"skeleton": [(0, 25)]}, "skeleton: bone"),
        ({"skeleton": [(0, 1, 2)]}, "skeleton"),
        ({"model": "unsteady"}, "model: found 'unsteady'"),
        ({"model": "steady_ntu25", "poses": np.zeros((5, 17, 3))}, "25 joints in space, and the poses have 17 joints"),
        ({"model": "steady_ntu25", "poses": np.zeros((5, 25, 2))}, "25 joints in 2D"),
    ],
)
def test_bad_input_is_told_in_one_line(rng, change, words):
    arguments = {"poses": noisy(rng), "fps": 30, **change}
    with pytest.raises(InputError, match=words) as error:
        refine(**arguments)
    assert "\n" not in str(error.value)
