import os
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field

from ablation.study.config import AblateConfig
from base.config import RunSection, load_config
from base.errors import InputError
from base.settings import Section
from data.ntu.prepare import PrepareConfig
from recognition.config import RecognizeConfig
from refine.config import RefineConfig


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
        (["train.on=one"], "train.on: found 'one'; expected a list, such as [a, b]"),
        (["run.dir="], "run.dir: found None; expected a path"),
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


class Paths(Section):
    run: RunSection
    store: Path = Path("~/default")
    maybe: Path | None = None
    several: tuple[Path, ...] = ()
    named: dict[str, Path] = Field(default_factory=dict)
    either: Path | dict[str, Path] | Literal["steady"] | None = None
    count: int = 0
    text: str = ""


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize(
    "text", ["2024_11", "1e5", "2024-11-25", "true", "0x10", "007", "12:30:00", "a: b", "[x] y", "#1"]
)
def test_paths_are_text_as_typed(path, text):
    path.write_text("run: {dir: runs/x}\n")
    config = load_config(Paths, path, [f"store={text}", f"maybe={text}", f"run.dir={text}", f"named.a={text}"])
    assert [str(config.store), str(config.maybe), str(config.run.dir), str(config.named["a"])] == [text] * 4


@pytest.mark.parametrize("text", ["2024_11", "1e5", "2024-11-25", "true", "0x10", "007", "12:30:00"])
def test_paths_in_files_are_text_as_typed(path, text):
    path.write_text(
        f"run: {{dir: {text}}}\nstore: {text}\nmaybe: {text}\nseveral: [{text}]\nnamed: {{1_0: {text}}}\n"
        f"either:\n  a: {text}\ncount: 1_000\n"
    )
    config = load_config(Paths, path)
    assert [str(config.run.dir), str(config.store), str(config.maybe), str(config.several[0])] == [text] * 4
    assert config.named == {"1_0": Path(text)}
    assert config.either == {"a": Path(text)}
    assert config.count == 1000
    over = load_config(
        Paths, path, [f"several=[{text}, b]", f"either={{a: {text}}}", f"named={{x: {text}}}", "count=2_0"]
    )
    assert over.several == (Path(text), Path("b"))
    assert over.either == {"a": Path(text)}
    assert over.named == {"x": Path(text)}
    assert over.count == 20


def test_nothing_and_quotes_are_yaml_in_paths_too(path):
    path.write_text("run: {dir: x}\nmaybe: y\neither: z\n")
    config = load_config(Paths, path, ["maybe=null", "either=", "store='a b: [c'"])
    assert (config.maybe, config.either, config.store) == (None, None, Path("a b: [c"))
    assert load_config(Paths, path, ["either=steady"]).either in ("steady", Path("steady"))
    path.write_text("run: {dir: x}\nmaybe: null\neither: ~\nstore: '~/a'\n")
    config = load_config(Paths, path)
    assert (config.maybe, config.either) == (None, None)


def test_the_home_folder_is_meant_by_a_tilde(path, home):
    path.write_text("run: {dir: ~/runs}\nseveral: [~/a, b]\neither: {x: ~/c}\n")
    config = load_config(Paths, path, ["maybe=~/x", "named.a=~/y"])
    assert config.run.dir == home / "runs"
    assert config.store == home / "default"
    assert config.maybe == home / "x"
    assert config.several == (home / "a", Path("b"))
    assert config.either == {"x": home / "c"}
    assert config.named == {"a": home / "y"}
    with pytest.raises(InputError, match="no such home folder"):
        load_config(Paths, path, ["maybe=~nobody-of-this-name/x"])


STAGES = {
    "prepare": PrepareConfig,
    "refine": RefineConfig,
    "recognize": RecognizeConfig,
    "ablate": AblateConfig,
}


@pytest.mark.parametrize(
    ("stage", "keys"),
    [
        ("prepare", ["data.raw", "data.store", "simulate.folder"]),
        (
            "refine",
            ["run.dir", "benchmarks.root", "smpl.model", "smpl.regressor", "train.checkpoint", "figures.images"],
        ),
        ("recognize", ["run.dir", "data.store", "train.start_from"]),
        (
            "ablate",
            [
                "run.dir",
                "data.store",
                "data.truth",
                "shared",
                "refine.benchmarks.root",
                "refine.train.checkpoint",
            ],
        ),
    ],
)
def test_every_path_of_every_stage(stage, keys, home):
    default = Path(__file__).parents[2] / "configs" / stage / "default.yaml"
    for key in keys:
        for given, expected in (("2024_11", Path("2024_11")), ("~/x", home / "x")):
            value = load_config(STAGES[stage], default, [f"{key}={given}"])
            for part in key.split("."):
                value = getattr(value, part)
            assert value == expected, key


def test_what_is_no_configuration_is_told_from_one_with_mistakes(tmp_path):
    (tmp_path / "my.zip").write_bytes(b"PK\3\4\0\0")
    (tmp_path / "best.pt").write_bytes(b"PK\3\4\0\0")
    (tmp_path / "st").mkdir()
    (tmp_path / "st" / "store.json").touch()
    (tmp_path / "recordings").mkdir()
    for stage, name, advice in (
        ("prepare", "my.zip", "data.raw"),
        ("prepare", "recordings", "data.raw"),
        ("refine", "st", "apply.input"),
        ("recognize", "st", "data.store"),
        ("refine", "best.pt", "train.checkpoint"),
    ):
        with pytest.raises(InputError) as caught:
            load_config(STAGES[stage], tmp_path / name)
        assert str(caught.value).startswith(f"{tmp_path / name}: is ")
        assert f"expected a configuration, a YAML file; to use it, give {advice}={tmp_path / name}" in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes in folders")
def test_a_pipe_as_configuration_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe: is no regular file, expected a configuration"):
        load_config(Paths, tmp_path / "pipe")


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
