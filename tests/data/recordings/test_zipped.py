import io
import zipfile

import pytest

from base.errors import InputError
from data.recordings.zipped import Zipped, array_names

CONTENTS = {"a.npy": b"a" * 1000, "b.npy": bytes(range(256)) * 4, "c/d.npy": b"xyz" * 50}


class Unseekable(io.RawIOBase):
    """What zipfile writes to with sizes behind the members."""

    def __init__(self):
        self.parts = []

    def writable(self):
        return True

    def write(self, content):
        self.parts.append(bytes(content))
        return len(content)


def made(method=zipfile.ZIP_STORED, seekable=True, zip64=False, contents=CONTENTS):
    target = io.BytesIO() if seekable else Unseekable()
    with zipfile.ZipFile(target, "w", method) as file:
        for number, (name, content) in enumerate(contents.items()):
            info = zipfile.ZipInfo(name, (2001, 2, 3 + number, 4, 5, 6))
            info.compress_type, info.comment = method, b"said"
            with file.open(info, "w", force_zip64=zip64) as member:
                member.write(content)
        file.comment = b"all"
    return target.getvalue() if seekable else b"".join(target.parts)


@pytest.mark.parametrize("zip64", [False, True])
@pytest.mark.parametrize("seekable", [True, False])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_one_member_is_replaced_and_all_else_stays(tmp_path, method, seekable, zip64):
    content = made(method, seekable, zip64)
    new = Zipped(content, tmp_path).replaced({"b.npy": b"\x07" * 1024})
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(io.BytesIO(new)) as file:
        assert file.testzip() is None
        assert file.comment == b"all"
        assert [info.filename for info in file.infolist()] == list(CONTENTS)
        assert [info.date_time for info in file.infolist()] == [info.date_time for info in old.infolist()]
        assert [info.compress_type for info in file.infolist()] == [method] * 3
        assert file.read("a.npy") == CONTENTS["a.npy"]
        assert file.read("b.npy") == b"\x07" * 1024
        assert file.read("c/d.npy") == CONTENTS["c/d.npy"]
    if method == zipfile.ZIP_STORED:  # in its place
        assert len(new) == len(content)
        before = content.index(CONTENTS["b.npy"])
        assert new[before : before + 1024] == b"\x07" * 1024
        assert (
            new[before + 1040 : content.index(b"PK\x01\x02")] == content[before + 1040 : content.index(b"PK\x01\x02")]
        )


def test_nothing_replaced_is_the_same(tmp_path):
    content = made()
    assert Zipped(content, tmp_path).replaced({}) is content


def test_what_stands_before_a_zip_stays(tmp_path):
    content = b"#!/bin/sh\n" + made()
    new = Zipped(content, tmp_path).replaced({"a.npy": b"b" * 1000})
    assert new.startswith(b"#!/bin/sh\nPK")
    with zipfile.ZipFile(io.BytesIO(new)) as file:
        assert file.testzip() is None
        assert file.read("a.npy") == b"b" * 1000


def test_a_bomb_and_a_damaged_member_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("data.recordings.zipped.ANY_TIMES", 1 << 10)
    bomb = made(zipfile.ZIP_DEFLATED, contents={"a.npy": bytes(1 << 20)})
    with pytest.raises(InputError, match="bomb"):
        Zipped(bomb, tmp_path).read("a.npy")
    many = Zipped(made(zipfile.ZIP_DEFLATED, contents={f"{n}.npy": bytes(150_000) for n in range(3)}), tmp_path)
    assert len(many.read("0.npy")) == 150_000
    with pytest.raises(InputError, match="bomb"):  # together they are one
        [many.read(f"{n}.npy") for n in range(3)]
    monkeypatch.undo()
    content = made()
    at = content.index(CONTENTS["b.npy"])
    with pytest.raises(InputError, match="damaged"):
        Zipped(content[:at] + b"\xff" + content[at + 1 :], tmp_path).read("b.npy")
    with pytest.raises(InputError, match=r"holds no x\.npy"):
        Zipped(content, tmp_path).read("x.npy")
    with pytest.raises(InputError, match="not a zip"):
        Zipped(b"PK\x03\x04", tmp_path)


def test_unusual_packing_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"numpy\.savez"):
        Zipped(made(zipfile.ZIP_LZMA), tmp_path).read("a.npy")


def test_two_members_of_one_name_are_refused(tmp_path):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        file.writestr("a.npy", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("a.npy", b"2")
    with pytest.raises(InputError, match="two members of one name"):
        Zipped(target.getvalue(), tmp_path)


def test_names_of_arrays(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(made())
    assert array_names(path) == {"a", "b", "c/d"}
    path.write_bytes(b"PK\x03\x04 and no more")
    assert array_names(path) == frozenset()
    assert array_names(tmp_path) == frozenset()
