"""Where the words of a text stand."""

import numpy as np

_BLANK = np.isin(np.arange(256), list(b" \t\n\r\v\f"))
"""As `bytes.split` has it."""


def word_spans(text: bytes, start: int = 0) -> np.ndarray:
    """Return from where to where each word goes, int64 [n, 2]: what stands between blanks from a byte on."""
    letters = np.frombuffer(text, np.uint8, offset=start) if start < len(text) else np.zeros(0, np.uint8)
    blank = np.concatenate([[True], _BLANK[letters], [True]])
    edges = np.flatnonzero(blank[1:] != blank[:-1]).astype(np.int64)
    return edges.reshape(-1, 2) + start
