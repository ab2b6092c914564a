import re

import pytest

from data.recordings.words import word_spans


@pytest.mark.parametrize("text", [b"", b" ", b"a", b" ab\tc\r\n\nd", b"1 2 ", b"\x00 \x1b1\x0b2\x0c", b"\xc3\xa9 x"])
@pytest.mark.parametrize("start", [0, 1])
def test_words_are_what_stands_between_blanks(text, start):
    wanted = [match.span() for match in re.compile(rb"\S+").finditer(text, start)]
    assert word_spans(text, start).tolist() == [list(span) for span in wanted]
