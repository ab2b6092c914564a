"""What other systems leave lying about in folders and zips."""

DEBRIS = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


def is_debris(path: str) -> bool:
    """Say whether a path in a folder or zip is of what macOS and Windows put beside the files that were meant.

    macOS keeps of each `NAME` what other file systems have no place for as `._NAME`, and in zips under `__MACOSX`.
    """
    parts = path.replace("\\", "/").split("/")
    return "__MACOSX" in parts or parts[-1].startswith("._") or parts[-1] in DEBRIS
