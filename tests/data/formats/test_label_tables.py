"""Tables of labels: read as written, and every mistake in one line."""

import pytest

from base.errors import InputError
from data.formats.label_tables import read_labels
from data.skeletons.labels import OwnClip


def test_a_table_with_everything(tmp_path):
    (tmp_path / "l.csv").write_bytes(
        "\ufeffclip,Action,subject,session,split,split_mine\r\n"
        '"a, b",wave,Ann,1,train,val\r\n'
        "\r\n"
        "c,bow,Bo,2,,Test\r\n".encode()
    )
    assert read_labels(tmp_path / "l.csv") == {
        "a, b": OwnClip("a, b", "wave", "Ann", "", "1", {"split": "train", "mine": "validation"}),
        "c": OwnClip("c", "bow", "Bo", "", "2", {"mine": "test"}),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no clip"),
        ("clip,action\n", "holds no clip"),
        ("name,action\na,b\n", "expected clip and action"),
        ("clip,action,colour\na,b,c\n", "found a column 'colour'"),
        ("clip,action,action\na,b,c\n", "a column is there twice"),
        ("clip,action\na\n", "line 2 has 1 cell, the header 2"),
        ("clip,action\na,b\na,c\n", "line 3: clip 'a' is there twice"),
        ("clip,action\na,\n", "line 2: has no action"),
        ("clip,action,split\na,b,learn\n", "line 2: split is 'learn', expected train, validation, test or nothing"),
        ("clip,action\na\x1b,b\n", "line 2: holds a control character"),
        ('clip,action\n"a,b\n', "cannot be read"),
    ],
)
def test_a_mistake_is_told(tmp_path, text, message):
    (tmp_path / "l.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_labels(tmp_path / "l.csv")


def test_a_table_that_is_no_text(tmp_path):
    (tmp_path / "l.csv").write_bytes(b"clip,action\n\xff\xfe,b\n")
    with pytest.raises(InputError, match="expected a CSV file in UTF-8"):
        read_labels(tmp_path / "l.csv")
