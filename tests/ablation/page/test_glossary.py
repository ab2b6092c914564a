"""Terms are linked to their meanings, each once, and only in prose."""

import re

import pytest

from ablation.page.glossary import TERMS, anchor, link_terms


def linked(html, seen=None):
    shown = link_terms(html, set() if seen is None else seen)
    return re.findall(r'<a class="term" href="#(.*?)" title=".*?">(.*?)</a>', shown)


def test_a_term_is_linked_once_and_the_text_stays_the_same():
    html = "<p>MPJPE and PA-MPJPE; MPJPE again, 95% intervals of 3 seeds.</p>"
    assert linked(html) == [
        ("term-mpjpe", "MPJPE"), ("term-pa-mpjpe", "PA-MPJPE"), ("term-interval", "intervals"), ("term-seed", "seeds")
    ]  # fmt: skip
    assert re.sub("<[^>]*>", "", link_terms(html, set())) == re.sub("<[^>]*>", "", html)
    seen = set()
    assert linked("<p>MPJPE</p>", seen) == [("term-mpjpe", "MPJPE")]
    assert seen == {"MPJPE"}
    assert linked("<p>MPJPE</p>", seen) == []


@pytest.mark.parametrize(
    "html",
    [
        "<svg><text>MPJPE</text></svg>",
        '<p title="MPJPE">x</p>',
        "<h2>MPJPE</h2>",
        "<table><thead><tr><th>MPJPE</th></tr></thead><tbody><tr><td>raw</td></tr></tbody></table>",
        "<script>const MPJPE = 1 < 2;</script>",
        "<pre><code>MPJPE</code></pre>",
        "<blockquote><p>MPJPE</p></blockquote>",
        "<p>drawing, strawberries, again, against</p>",
        "<p>a gain of 2 points</p>",
    ],
)
def test_what_is_no_prose_or_another_word_is_left_alone(html):
    assert link_terms(html, set()) == html


def test_captions_of_tables_are_prose():
    assert linked("<table><caption>MPJPE; gain: which share</caption><thead></thead></table>") == [
        ("term-mpjpe", "MPJPE"), ("term-gain", "gain")
    ]  # fmt: skip


@pytest.mark.parametrize("name", TERMS)
def test_every_term_can_be_found_and_has_an_anchor_of_its_own(name):
    text = {"gain": "gain: 1", "kept of raw": "kept of raw"}.get(name, name)
    assert (anchor(name), anchor(name)) != ("term-", "")
    assert anchor(name) in [place for place, _ in linked(text)]
    assert [anchor(other) for other in TERMS].count(anchor(name)) == 1


def test_meanings_are_escaped(monkeypatch):
    monkeypatch.setitem(TERMS, "raw", type(TERMS["raw"])('<"&'))
    assert 'title="&lt;&quot;&amp;"' in link_terms("raw", set())
