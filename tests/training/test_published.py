"""A published folder takes the place of one, and of nothing else."""

import pytest

from base.errors import InputError
from training.published import CARD, FILES, SCORES, publishing, write_scores


def test_only_what_was_published_is_replaced(tmp_path):
    folder = tmp_path / "mine"
    for again in (False, True):
        with publishing(folder, again, []) as new:
            write_scores(new, {"top1": 1})
            (new / CARD).write_text("# mine\n")
    assert sorted(path.name for path in folder.iterdir()) == sorted([CARD, SCORES])
    assert set(FILES) >= {CARD, SCORES}
    for name, message in (("notes.txt", r"holds notes\.txt"), ("inner", f"has a folder inner that has no {CARD}")):
        (folder / name).mkdir() if name == "inner" else (folder / name).touch()
        with pytest.raises(InputError, match=message), publishing(folder, True, []):
            pass
        (folder / name).rmdir() if name == "inner" else (folder / name).unlink()
    (folder / CARD).unlink()
    with pytest.raises(InputError, match=f"has no {CARD}"), publishing(folder, True, []):
        pass
