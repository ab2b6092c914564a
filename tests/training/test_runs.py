import subprocess

import pytest

from training import runs


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Somebody's repository, in which this project is installed as `.venv/training/runs.py`."""
    file = tmp_path / ".venv/training/runs.py"
    file.parent.mkdir(parents=True)
    file.touch()
    (tmp_path / "theirs.py").touch()
    monkeypatch.setattr(runs, "__file__", str(file))

    def git(*words):
        who = ["-c", "user.name=n", "-c", "user.email=e@e"]
        done = subprocess.run(["git", *who, *words], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "-q")
    git("add", "theirs.py")
    git("commit", "-qm", "theirs")
    return git


def test_the_commit_of_a_repository_that_this_is_installed_in_is_not_ours(repository):
    assert runs.versions()["commit"] == "unknown"


def test_the_commit_is_that_of_the_checkout(repository):
    repository("add", "-f", ".venv/training/runs.py")
    repository("commit", "-qm", "ours")
    assert runs.versions()["commit"] == repository("rev-parse", "HEAD")
