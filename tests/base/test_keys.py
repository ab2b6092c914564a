"""The keys of configurations as they are listed: meanings, limits and defaults, and the page of them."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
import typer
import yaml
from pydantic import Field

from ablation.study.config import AblateConfig
from base.errors import InputError
from base.keys import as_text, keys_of, keys_of_command
from base.settings import Section
from data.ntu.prepare import PrepareConfig
from recognition.config import RecognizeConfig
from recognition.live.config import WatchConfig
from refine.config import RefineConfig
from run import app

ROOT = Path(__file__).parents[2]
STAGES = {
    "prepare": PrepareConfig,
    "refine": RefineConfig,
    "recognize": RecognizeConfig,
    "ablate": AblateConfig,
    "watch": WatchConfig,
}


class Inner(Section):
    """What is inside.

    Parameters
    ----------
    one, two
        Either of them.
    """

    one: float = Field(0.5, gt=0, le=1)
    two: tuple[Annotated[int, Field(ge=1)], ...] = (1, 2)
    three: Path
    """Of its own:
    a docstring."""


class Outer(Section):
    """All."""

    inner: Inner
    left_out: Inner | None = None
    kind: Literal["a", "b"] | None = None
    """Which."""


def test_a_configuration_is_listed_with_its_meanings_limits_and_defaults():
    expected = """\
kind: `a` or `b` or null; default null
    Which.

inner: section
    What is inside.
inner.one: number, more than 0, at most 1; default 0.5
    Either of them.
inner.two: list of (whole number, at least 1); default [1, 2]
    Either of them.
inner.three: path; must be given
    Of its own: a docstring.

left_out: section that may be left out
    What is inside."""
    assert as_text(keys_of(Outer)).startswith(expected)


def test_options_of_a_command_are_listed_alike():
    def command(
        files: Annotated[list[Path], typer.Argument(help="What to read.")],
        samplings: Annotated[int, typer.Option("-n", "--samplings", min=1, max=64, help="How often.")] = 4,
        on_error: Annotated[Literal["stop", "skip"], typer.Option(help="What then.")] = "stop",
        wait: Annotated[float | None, typer.Option(min=0, help="How long.")] = None,
    ) -> None: ...

    expected = """\
FILES: list of path; must be given
    What to read.
--samplings: whole number, 1 to 64; default 4
    How often.
--on-error: `stop` or `skip`; default stop
    What then.
--wait: number, at least 0 or null; default null
    How long."""
    assert as_text(keys_of_command(command)) == expected


def test_every_command_has_its_keys_or_options_and_others_are_refused(capsys):
    assert [
        key.name for one in app.registered_commands for key in keys_of_command(one.callback) if not key.meaning
    ] == []
    app(["keys", "predict"], standalone_mode=False)
    assert "--samplings: whole number, 1 to 64 or null; default null" in capsys.readouterr().out
    with pytest.raises(
        InputError, match="keys: found 'nope', expected one of prepare, cut, refine, recognize, ablate, watch, predict"
    ):
        app(["keys", "nope"], standalone_mode=False)


@pytest.mark.parametrize("stage", STAGES)
def test_every_key_has_a_meaning(stage):
    assert [key.name for key in keys_of(STAGES[stage]) if not key.meaning] == []


def schema_of(schema, name):
    """Find a key in the schema that pydantic makes of the model."""
    found = schema
    for part in name.split("."):
        found = found["properties"][part]
        for one in (found, *found.get("anyOf", ())):
            if "$ref" in one:
                found = schema["$defs"][one["$ref"].rsplit("/", 1)[1]]
    return found


@pytest.mark.parametrize("stage", STAGES)
def test_limits_and_defaults_are_those_of_the_schema(stage):
    schema = STAGES[stage].model_json_schema()
    numbers = 0
    for key in keys_of(STAGES[stage]):
        expected = schema_of(schema, key.name)
        if key.allowed.startswith("section"):
            continue
        if key.default is not None and "default" in expected:
            assert yaml.safe_load(key.default) == expected["default"], key.name
        if "minimum" in expected and "maximum" in expected:
            numbers += 1
            assert f"{expected['minimum']:g} to " in key.allowed, key.name
        elif "exclusiveMinimum" in expected:
            numbers += 1
            assert f"more than {expected['exclusiveMinimum']:g}" in key.allowed, key.name
    assert numbers >= 3


def test_the_page_is_what_the_command_writes(capsys):
    app(["keys", "--markdown"], standalone_mode=False)
    assert capsys.readouterr().out == (ROOT / "docs/keys.md").read_text(encoding="utf-8")
