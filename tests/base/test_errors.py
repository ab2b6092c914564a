import sys

import pytest

import run as command_line
from base.errors import InputError


@pytest.fixture
def run_with(monkeypatch):
    """Run the command line in whose middle something is raised, and leave Ctrl-C and the words as they were."""

    def run(error):
        def app(**_):
            raise error

        monkeypatch.setattr(command_line, "app", app)
        monkeypatch.setattr(command_line, "_on_interrupt", lambda handler: None)
        monkeypatch.setattr(sys, "argv", ["run.py"])
        return command_line.main()

    return run


def test_a_mistake_of_the_users_is_one_line_and_status_2(run_with, capsys):
    assert run_with(InputError("a.yaml: found 3, expected 4")) == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "error: a.yaml: found 3, expected 4\n")


def test_a_fault_of_ours_is_not_told_as_a_mistake(run_with):
    """An `InputError` is a `ValueError` to who calls from Python, but no other `ValueError` is the user's."""
    assert issubclass(InputError, ValueError)
    with pytest.raises(ValueError, match="of ours"):
        run_with(ValueError("of ours"))
