import io

import pytest
from rich.table import Table

from base import progress as module
from base.progress import PlainConsole, progress


def test_a_console_shows_markup_and_control_characters_as_text():
    table = Table(title="[/b]")
    table.add_column("[/c]")
    table.add_row("[bold]S001[/d] :smile:\x1b]0;x\x07")
    for printed in ("[/b]\x1b[2J", table):
        with io.StringIO() as file:
            PlainConsole(file=file, width=80).print(printed)
            said = file.getvalue()
        assert "\x1b" not in said
        assert "[/b]" in said
    assert "[bold]S001[/d] :smile:\\x1b]0;x\\x07" in said


@pytest.mark.parametrize(
    ("terminal", "shown", "drawn"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_a_bar_is_drawn_on_terminals_only_and_only_if_wanted(monkeypatch, capsys, terminal, shown, drawn):
    with io.StringIO() as file:
        monkeypatch.setattr(module, "console", PlainConsole(file=file, width=100, force_terminal=terminal))
        with progress(shown) as display:
            for _ in display.track(range(3), description="[b]clips"):
                pass
        assert ("[b]clips" in file.getvalue() and "3/3" in file.getvalue()) == drawn
        assert drawn or not file.getvalue().strip()
    assert capsys.readouterr().out == ""


def test_notes_go_to_standard_error(capsys):
    module.console.print("a note", highlight=False)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "a note\n")
