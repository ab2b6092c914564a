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


ALIASES = "a0: &a0 [1, 2]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
MERGED = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 12))
BOMBS = {
    "aliases on a known key": (f"run: {{dir: x}}\n{ALIASES}train: {{on: *a11}}", "when its references are written out"),
    "merged sections": (f"run: {{dir: x}}\n{MERGED}train: *a11", "when its references are written out"),
    "a section within itself": ("run: &a {dir: *a}", "refers to what it is part of"),
    "500 levels": ("run: " + "[" * 500 + "]" * 500, "nests more than"),
    "50,000 levels": ("run: " + "{a: " * 50_000, "nests more than"),
    "a number that is none": ("run: {dir: x, seed: !!int x}", "cannot be read"),
    "a time that is none": ("run: {dir: x, seed: !!timestamp x}", "has the tag"),
    "bytes": ("run: {dir: !!binary x}", "has the tag"),
    "a set": ("run: {dir: x, seed: !!set {a, b}}", "has the tag"),
    "a call": ("run: {dir: !!python/object/apply:os.system [x]}", "has the tag"),
    "5,000 digits": (f"run: {{dir: x, seed: {'1' * 5000}}}", "cannot be read"),
    "4,000 digits": (f"run: {{dir: x, seed: {'1' * 4000}}}", "found a number of 1328[0-9] bits"),
    "a long text": (f"run: {{dir: x, seed: {'a' * 100_000}}}", r"found 'a{50,}\.\.\.;"),
    "a long key": (f"run: {{dir: x, {'a' * 1000}: 1}}", "unknown key"),
    "a key of no text": ("run: {dir: x, ? [1, 2] : 3}", "not valid YAML"),
    "control characters": ('run: {dir: x, seed: "\\e[2J"}', r"found '\\x1b\[2J'"),
    "much text": ("run: {dir: x}\n#" + "a" * (1 << 18), "bytes, more than"),
    "no UTF-8": (b"run: {dir: \xff}", "no text in UTF-8"),
}


@pytest.mark.parametrize(("text", "message"), BOMBS.values(), ids=BOMBS.keys())
def test_a_hostile_file_is_told_in_one_short_line(path, text, message):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=message) as caught:
        load_config(Config, path)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 700 + len(str(path))


def test_a_date_is_a_name_like_any_other(path):
    assert load_config(Config, path, ["run.dir=2024-11-31"]).run.dir == Path("2024-11-31")


def test_an_override_changes_one_of_two_sections_that_are_written_once(path):
    path.write_text("run: {dir: x}\ntrain: &same {epochs: 3}\napply: *same\n")
    config = load_config(Config, path, ["train.epochs=5"])
    assert config.apply is not None
    assert (config.train.epochs, config.apply.epochs) == (5, 3)


def test_an_override_of_many_parts_is_refused(path):
    with pytest.raises(InputError, match=r"expected section\.key=value") as caught:
        load_config(Config, path, [".".join("a" * 10_000) + "=1"])
    assert len(str(caught.value)) < 300
