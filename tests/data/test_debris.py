import pytest

from data.debris import is_debris


@pytest.mark.parametrize(
    "path",
    [
        ".DS_Store", "a/.DS_Store", "a/Thumbs.db", "a\\desktop.ini", "._clip.skeleton", "a/._clip.skeleton",
        "__MACOSX/clip.skeleton", "a/__MACOSX/b/clip.skeleton", "__MACOSX",
    ],
)  # fmt: skip
def test_what_macos_and_windows_leave_is_debris(path):
    assert is_debris(path)


@pytest.mark.parametrize(
    "path",
    [
        "clip.skeleton", "a/clip.skeleton", ".hidden", "_clip", "a._clip", "a/clip.__MACOSX", "my__MACOSX/clip",
        "DS_Store", "._a/clip", "Thumbs.db/clip", "",
    ],
)  # fmt: skip
def test_what_somebody_meant_is_none(path):
    assert not is_debris(path)
