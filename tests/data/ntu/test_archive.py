"""Zips are read to the byte, and whatever is wrong with one is told in one line."""

import os
import random
import struct
import zipfile
import zlib
from contextlib import closing
from dataclasses import replace

import pytest

from base.errors import InputError
from data.ntu import archive as sources
from data.ntu.archive import Source, list_entries, read_at
from tests.data.ntu.recordings import FOLDER, clip, content, names, pack, run
from tests.fuzz.skeletons import a_zip, check_zip


def test_a_damaged_zip_entry_is_told(zipped, tmp_path):
    content = bytearray(zipped.read_bytes())
    at = content.index(f"{names(12)[-1]}".encode()) + 200
    content[at : at + 50] = bytes(50)
    zipped.write_bytes(content)
    with pytest.raises(InputError, match=r"skeletons\.zip: .* (cannot be read|damaged)"):
        run(zipped, tmp_path / "store")
    assert run(zipped, tmp_path / "store", on_error="skip")["clips"] == 11


@pytest.mark.parametrize(
    "entry", ["../S001C001P001R001A001.skeleton", "/etc/S001C001P001R001A001.skeleton", "C:\\x.skeleton"]
)
def test_a_zip_that_leads_out_of_its_folder_is_refused(tmp_path, entry):
    with pytest.raises(InputError, match="leads out of the folder"):
        run(pack(tmp_path / "evil.zip", {entry: clip(0)}), tmp_path / "store", on_error="skip")


def change_directory(zipped, field, kind, value):
    """Change one number of the first entry of a zip's directory; returns the entry's name."""
    content = bytearray(zipped.read_bytes())
    at = content.index(b"PK\1\2")
    struct.pack_into(kind, content, at + field, value)
    zipped.write_bytes(content)
    length = struct.unpack_from("<H", content, at + 28)[0]
    return content[at + 46 : at + 46 + length].decode()


ENTRY_FAULTS = {
    "encrypted": ((8, "<H", 1), "is encrypted"),
    "another method": ((10, "<H", 12), "is packed by method 12"),
    "wrong checksum": ((16, "<I", 1), "wrong CRC-32"),
    "packed into less": ((20, "<I", 100), "expands to other than"),
    "more text than said": ((24, "<I", 100), "expands to other than the 100 bytes"),
    "less text than said": ((24, "<I", 500_000), "expands to other than the 500000 bytes"),
    "a bomb by what is said": ((24, "<I", 15_000_000), "more than 200 times its packed size"),
    "too large": ((24, "<I", 2**32 - 2), "more than 200 times"),
    "elsewhere": ((42, "<I", 7), "no entry begins where"),
}


@pytest.mark.parametrize(("change", "message"), ENTRY_FAULTS.values(), ids=ENTRY_FAULTS.keys())
def test_an_entry_that_is_not_as_the_directory_says_is_told(zipped, tmp_path, monkeypatch, change, message):
    monkeypatch.setattr(sources, "_SMALL", 600_000)
    entry = change_directory(zipped, *change)
    with pytest.raises(InputError) as caught:
        run(zipped, tmp_path / "store")
    assert entry in str(caught.value)
    assert message in str(caught.value)
    assert run(zipped, tmp_path / "store", on_error="skip")["clips"] == 11


def test_a_text_of_nothing_but_blanks_is_not_unpacked(tmp_path):
    blanks = pack(tmp_path / "blanks.zip", {f"{names(1)[0]}.skeleton": b" " * 2**21})
    with pytest.raises(InputError, match="as a zip bomb does"):
        run(blanks, tmp_path / "store")


def test_a_zip_whose_entries_share_bytes_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for name in names(2):
            packed.writestr(f"{name}.skeleton", clip(0))
        packed.filelist[1].header_offset = packed.filelist[0].header_offset
    with pytest.raises(InputError, match="share bytes"):
        run(tmp_path / "bomb.zip", tmp_path / "store", on_error="skip")


def test_a_zip_that_expands_beyond_any_data_set_is_refused(zipped, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "MOST_BYTES_IN_ALL", 100_000)
    with pytest.raises(InputError, match=r"expands to .* expected at most"):
        run(zipped, tmp_path / "store", on_error="skip")


def test_an_entry_of_the_same_path_twice_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as packed:
        packed.writestr("walking.skeleton", clip(0))
        with pytest.warns(UserWarning, match="Duplicate"):
            packed.writestr("walking.skeleton", clip(0))
    with pytest.raises(InputError, match="twice"):
        run(tmp_path / "twice.zip", tmp_path / "store", on_error="skip")


def test_stored_entries_and_long_headers_are_read(tmp_path):
    path = tmp_path / "stored.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for number, name in enumerate(names(2)):
            info = zipfile.ZipInfo(f"{'a' * 150}/{name}.skeleton")
            info.extra = struct.pack("<HH", 0x7777, 400) + bytes(400)
            packed.writestr(info, clip(number))
    source = Source(path)
    assert [source.read(entry) for entry in list_entries(path).entries] == [clip(0), clip(1)]


def test_without_the_extra_the_same_text_is_unpacked(zipped, monkeypatch):
    source = Source(zipped)
    entries = list_entries(zipped).entries
    quick = [source.read(entry) for entry in entries]
    monkeypatch.setattr(sources, "unpacker", zlib)
    assert [source.read(entry) for entry in entries] == quick


def test_a_zip_cut_anywhere_is_refused_or_read(tmp_path):
    whole = a_zip(random.Random(0))
    for end in range(0, len(whole), len(whole) // 100):
        assert check_zip(whole[:end], tmp_path / "cut.zip") == "refused"


def test_damaged_zips_are_refused_or_read(tmp_path):
    chance = random.Random(1)
    whole = a_zip(chance)
    directory = whole.index(b"PK\1\2")
    for number in range(300):
        damaged = bytearray(whole)
        start = directory if number % 2 else 0
        for _ in range(chance.randint(1, 6)):
            damaged[chance.randrange(start, len(damaged))] = chance.randrange(256)
        check_zip(bytes(damaged), tmp_path / "damaged.zip")


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_compression_is_told_in_one_line(folder, tmp_path, method):
    with zipfile.ZipFile(tmp_path / "x.zip", "w", method) as archive:
        for path in sorted((folder / FOLDER).iterdir()):
            archive.write(path, f"{FOLDER}/{path.name}")
    with pytest.raises(InputError, match=rf"is packed by method {method}, expected deflate; pack the zip again"):
        run(tmp_path / "x.zip", tmp_path / "store")
    entry = replace(list_entries(tmp_path / "x.zip").entries[0], fault="")  # as for a clip to predict, of any name
    with closing(Source(tmp_path / "x.zip")) as source, pytest.raises(InputError, match="not packed by deflate"):
        source.read(entry)


def test_zips_are_read_alike_where_there_is_no_pread(zipped, tmp_path, monkeypatch):
    run(zipped, tmp_path / "with")
    monkeypatch.delattr(os, "pread")
    run(zipped, tmp_path / "without")
    assert content(tmp_path / "without") == content(tmp_path / "with")
    with zipped.open("rb") as file:
        whole = file.read()
        for offset, size in ((0, 10), (7, 1000), (len(whole) - 5, 100), (len(whole) + 9, 3), (3, 0)):
            assert read_at(file.fileno(), size, offset) == whole[offset : offset + size]


def test_the_zips_of_a_folder_are_read_together(tmp_path):
    """As NTU RGB+D 120 is released, in two."""
    first, second = names(4)[:2], names(4)[2:]
    folder = tmp_path / "zips"
    folder.mkdir()
    for name, listed in (("a.zip", first), ("b.zip", second)):
        pack(folder / name, {f"{FOLDER}/{clip_name}.skeleton": clip(0) for clip_name in listed})
    found = list_entries(folder)
    assert [str(entry.name) for entry in found.entries] == sorted([*first, *second])
    with closing(Source(folder)) as source:
        assert all(bytes(source.read(entry)) == clip(0) for entry in found.entries)
        assert source.place(found.entries[-1]).startswith(str(folder / "b.zip"))
    assert run(folder, tmp_path / "store")["clips"] == 4
    pack(folder / "c.zip", {f"{first[0]}.skeleton": clip(0)})
    with pytest.raises(InputError, match=f"holds clip {first[0]} twice"):
        list_entries(folder)
