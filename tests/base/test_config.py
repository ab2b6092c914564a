from pathlib import Path

import pytest
from pydantic import Field

from base.config import RunSection, load_config
from base.errors import InputError
from base.settings import Section


class Train(Section):
    epochs: int = Field(10, ge=1)
    on: tuple[str, ...] = ()


class Config(Section):
    run: RunSection
    train: Train = Train()
    apply: Train | None = None


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("run: {dir: runs/x}\ntrain: {epochs: 3}\n")
    return path


def test_on_is_a_key_and_not_true(path):
    path.write_text("run: {dir: runs/x}\ntrain:\n  on: [a]\n")
    assert load_config(Config, path).train.on == ("a",)


def test_file_and_overrides(path):
    config = load_config(Config, path, ["train.on=[a, b]", "run.seed=7", "apply.epochs=2"])
    assert config.run.dir == Path("runs/x")
    assert (config.run.seed, config.train.epochs, config.train.on) == (7, 3, ("a", "b"))
    assert config.apply is not None
    assert config.apply.epochs == 2


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["train.epoch=3"], "train.epoch: unknown key; did you mean 'epochs'?"),
        (["apply.epohcs=3"], "apply.epohcs: unknown key; did you mean 'epochs'?"),
        (["train.epochs=0"], "train.epochs: found 0; input should be greater than or equal to 1"),
        (["train.epochs=many"], "train.epochs: found 'many'"),
        (["run=null"], "run: found None"),
        (["epochs"], "expected section.key=value"),
        (["train.on=[a"], "not valid YAML"),
        (["zzz.a=1"], "zzz: unknown key; allowed here: apply, run, train"),
    ],
)
def test_a_mistake_is_told_in_one_line(path, overrides, message):
    with pytest.raises(InputError) as caught:
        load_config(Config, path, overrides)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["[1, 2]", "a: [", "", "train: {epochs: 3}"])
def test_a_bad_file_is_told_in_one_line(path, text):
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_config(Config, path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match="cannot read the configuration"):
        load_config(Config, tmp_path / "none.yaml")
