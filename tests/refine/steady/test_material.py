import numpy as np

from refine.steady.material import make_example


def test_examples_are_of_all_kinds_and_come_again():
    kinds, rates, dims, joints = set(), set(), set(), set()
    for number in range(60):
        example = make_example(3, number)
        kinds.add(example.kind)
        rates.add(example.fps)
        dims.add(example.noisy.shape[-1])
        joints.add(example.noisy.shape[1])
        assert example.noisy.shape == example.truth.shape
        assert np.isfinite(example.truth).all()
        missing = np.isnan(example.noisy).any(-1)
        if example.confidence is not None:
            assert example.confidence.shape == example.noisy.shape[:2]
            assert ((example.confidence >= 0) & (example.confidence <= 1)).all()
            assert (example.confidence[missing] == 0).all()
        else:
            assert not missing.any()
    assert kinds == {"kinect", "lifter", "detector", "anything", "clean"}
    assert dims == {2, 3}
    assert len(joints) > 5
    assert min(rates) <= 15
    assert max(rates) >= 100
    for number in (0, 7):
        first, second = (make_example(3, number) for _ in range(2))
        np.testing.assert_array_equal(first.noisy, second.noisy)
        np.testing.assert_array_equal(first.truth, second.truth)


def test_clean_examples_are_clean():
    off = [make_example(5, number, kind="clean") for number in range(12)]
    size = [np.nanmean(np.linalg.norm(one.noisy - one.truth, axis=-1)) for one in off]
    assert np.median(size) < 0.002
    assert max(size) < 0.02
