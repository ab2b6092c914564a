import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from ablation.study.stores import list_sources, make_stores
from base.errors import InputError
from tests.ablation.small_study import configured


def test_a_checkpoint_that_cannot_be_read_is_refused(settings, tmp_path):
    (tmp_path / "best.pt").write_bytes(b"")
    refine = {**settings["refine"], "train": {"checkpoint": tmp_path / "best.pt"}}
    config = configured(settings, refine=refine)
    with pytest.raises(InputError, match=r"best.pt: .*checkpoint"):
        make_stores(config, list_sources(config)[0])


def test_without_a_benchmark_filters_are_as_released(settings, capsys):
    config = configured({key: value for key, value in settings.items() if key != "refine"}, arms=["raw", "gaussian"])
    made = make_stores(config, list_sources(config)[0])
    assert made.how["gaussian"].startswith("sigma 0.1 s; as released")  # SmoothNet's comparison: 3 frames, at 30 fps
    assert "Gaussian: sigma 0.1 s; as released" in capsys.readouterr().err
    raw, smoothed = made.stores["raw"].joints[:24], made.stores["gaussian"].joints[:24]
    expected = gaussian_filter1d(np.asarray(raw, float), 3, axis=0)
    assert smoothed[12] == pytest.approx(expected[12], abs=2e-3)
