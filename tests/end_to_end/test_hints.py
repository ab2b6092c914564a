"""Whatever the README, the pages and the comments of configurations tell a user to type is accepted as it stands."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer

from base.config import load_config
from refine.config import RefineConfig
from run import _arguments, app
from tests.end_to_end.test_configs import MODELS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CONFIGS = sorted((ROOT / "configs").rglob("*.yaml"))
COMMANDS = typer.main.get_command(app).commands
PLACEHOLDERS = ("CONFIG", "STUDY", "STORE", "INPUT", "OUTPUT", "[--format", "...", "<zip>")
KEY = r"[a-z_]+(?:\.[a-z_]+)*"
HINT = re.compile(rf"'{KEY}=[^']*'|(?<![\w/.-]){KEY}=(?:\[[^\]]*\]|\{{[^}}]*\}}|[^\s`'\"\[{{]+)")


@dataclass(frozen=True)
class Hint:
    """Words to type, and where they stand."""

    where: str
    text: str
    config: Path | None = None


def page_parts(page):
    """Give the shell blocks and the inline code of a page, each with whether it is a block."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        yield True, block
    for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        yield False, " ".join(span.split())


def comment_of(config):
    """Return the comments of a configuration, those of consecutive lines as one text."""
    lines = [line.partition("# ")[2] if line.startswith("#") else "\n" + line.partition("  # ")[2] for line in
             config.read_text(encoding="utf-8").splitlines()]  # fmt: skip
    return "\n".join(lines)


def joined_lines(block):
    """Join what the shell joins: after a backslash, and within quotes."""
    command = ""
    for line in block.splitlines():
        command += line
        if command.count("'") % 2:
            command += "\n"
        elif command.endswith("\\"):
            command = command[:-1]
        else:
            yield command
            command = ""


def commands():
    """All commands that somebody may copy."""
    found = []
    for page in PAGES:
        for block, text in page_parts(page):
            lines = joined_lines(text) if block else [text]
            found += [Hint(page.name, line.partition("run.py ")[2]) for line in lines if "run.py " in line]
    for config in CONFIGS:
        lines = [line.strip() for line in comment_of(config).splitlines()]
        found += [Hint(config.name, line.partition("run.py ")[2], config) for line in lines if "run.py " in line]
    return found


def settings():
    """All key=value that stand outside of commands; those beside each other belong together."""
    found = []
    for page in PAGES:
        for block, text in page_parts(page):
            if not block and "run.py " not in text and HINT.match(text) and not text.startswith("section."):
                found.append(Hint(page.name, text))
    for config in CONFIGS:
        text = re.sub(r"python run\.py .*", "", comment_of(config))
        found += [
            Hint(config.name, match[0].rstrip(".,;"), config)
            for match in re.finditer(rf"(?:{HINT.pattern})(?:\s(?:{HINT.pattern}))*", text)
        ]
    return found


def names(hints):
    return [f"{hint.where}: {hint.text[:60]}" for hint in hints]


def words_of(text):
    return shlex.split(text, comments=True)


def test_the_hints_are_found():
    """Else the tests below would pass for want of hints."""
    assert len(commands()) >= 35
    assert {"predict", "explain", "show", "export", "import", *MODELS} <= {hint.text.split()[0] for hint in commands()}
    told = [hint.text for hint in settings()]
    assert "streams=null input.stream=joint" in told
    assert any("train.checkpoint" in text for text in told)
    assert len(told) >= 20


@pytest.mark.parametrize("hint", commands(), ids=names(commands()))
def test_every_command_is_accepted(hint):
    command, *words = words_of(hint.text)
    if any(word in PLACEHOLDERS or word.startswith("--format=") for word in words) or command not in COMMANDS:
        assert command in COMMANDS or command == "..."
        return
    context = COMMANDS[command].make_context(command, list(words))
    if command not in MODELS:
        return
    given = context.params["config"], context.params["overrides"]
    config, overrides = _arguments(command, *given)
    if config.name == "mine.yaml":
        return  # written down on the page, see test_a_benchmark_of_ones_own_is_accepted
    load_config(MODELS[command], ROOT / config, overrides)


def test_a_benchmark_of_ones_own_is_accepted(tmp_path):
    (block,) = re.findall(r"```yaml\n(run:.*?)```", (ROOT / "docs/benchmarks.md").read_text(), re.DOTALL)
    (tmp_path / "mine.yaml").write_text(block)
    load_config(RefineConfig, tmp_path / "mine.yaml")


@pytest.mark.parametrize("hint", settings(), ids=names(settings()))
def test_every_setting_is_accepted(hint):
    words = words_of(hint.text)
    if hint.config is not None:
        load_config(MODELS[hint.config.parent.name], hint.config, words)
        return
    refusals = []
    for config in CONFIGS:
        try:
            load_config(MODELS[config.parent.name], config, words)
            return
        except ValueError as refusal:
            refusals.append(str(refusal))
    pytest.fail(f"no configuration takes {hint.text}: {refusals[0]}")


@pytest.mark.parametrize("hint", [*commands(), *settings()], ids=names([*commands(), *settings()]))
def test_what_a_shell_would_expand_is_quoted(hint):
    """An unquoted [a, b] is two words, and in zsh an unquoted [] or {a: b} is an error."""
    if any(word in hint.text.split() for word in PLACEHOLDERS):
        return
    bare = re.sub(r"'[^']*'|\"[^\"]*\"|#.*", "", hint.text)
    assert not re.search(r"[\[\]{}*?~]", bare), hint.text
