from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from base.settings import Fps, Section


class Inner(Section):
    epochs: int = 10


class Outer(Section):
    needed: Inner
    inner: Inner = Inner()
    number: int | None = 3
    store: Path = Path("~/store")


@pytest.mark.parametrize("rate", [1, 23.976, 30, 1000])
def test_rates_of_recordings_of_people(rate):
    assert TypeAdapter(Fps).validate_python(rate) == rate


@pytest.mark.parametrize("rate", [0, -30, 0.999, 1000.1, float("inf"), float("nan"), None])
def test_rates_of_nothing_that_there_is_are_refused(rate):
    with pytest.raises(ValidationError):
        TypeAdapter(Fps).validate_python(rate)


def test_null_is_as_if_left_out_for_sections_that_may_be():
    made = Outer.model_validate({"needed": {}, "inner": None, "number": None})
    assert made.inner == Inner(epochs=10)
    assert made.number is None
    with pytest.raises(ValidationError, match=r"needed\n.*valid dictionary"):
        Outer.model_validate({"needed": None})


def test_sections_are_frozen_and_know_their_keys():
    made = Outer(needed=Inner())
    with pytest.raises(ValidationError, match="frozen"):
        made.number = 4
    with pytest.raises(ValidationError, match="epoch\n"):
        Inner.model_validate({"epoch": 3})


def test_a_tilde_within_a_path_is_a_letter(monkeypatch, tmp_path):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    assert Outer(needed=Inner()).store == tmp_path / "store"
    assert Outer(needed=Inner(), store=Path("a/~/b~")).store == Path("a/~/b~")
