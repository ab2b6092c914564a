import pytest

from ablation.study.stores import list_sources, make_stores
from base.errors import InputError
from tests.ablation.small_study import configured


def test_filters_without_anything_to_tune_on_are_refused(settings, tmp_path):
    (tmp_path / "best.pt").write_bytes(b"")
    refine = {**settings["refine"], "train": {"checkpoint": tmp_path / "best.pt"}}
    config = configured(settings, refine=refine)
    with pytest.raises(InputError, match=r"best.pt: .*checkpoint"):
        make_stores(config, list_sources(config)[0])
