from dataclasses import dataclass

import pytest

from ablation.page.report import report_notes, tell
from ablation.sections.registry import ACTIONS, SECTIONS, Section


@dataclass(frozen=True)
class Clips:
    count: int


def count(study):
    return Clips(len(study.names))


@pytest.fixture
def added():
    """Add sections for the time of a test."""
    names = []

    def add(name, section):
        names.append(name)
        return SECTIONS.add(name, section)

    yield add
    for name in names:
        SECTIONS.remove(name)


def test_what_a_section_finds_is_computed_once_and_shared(make, added):
    study, calls = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100), []

    def find(study):
        calls.append(study)
        return Clips(len(study.names))

    added("one", Section(ACTIONS, 40, find, {"lead": "{{ found.count }}"}))
    added("other", Section(ACTIONS, 41, lambda study: study.get(find), {"lead": "{{ found.count }}"}))
    told = [one.found for one in tell(study) if one.section.place in (40, 41)]
    assert told == [Clips(96), Clips(96)]
    assert len(calls) == 1


def test_a_section_that_finds_nothing_is_left_out_but_for_its_notes(make, added):
    study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100)
    section = added("mute", Section(ACTIONS, 40, lambda study: None, {}, notes=lambda study, found: {"mute": found}))
    assert section not in [one.section for one in tell(study)]
    assert report_notes(study)["mute"] is None


def test_two_sections_with_the_same_notes_are_refused(make, added):
    study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100)
    added("again", Section(ACTIONS, 40, count, {}, notes=lambda study, found: {"classes": 1}))
    with pytest.raises(ValueError, match="two sections of the report have notes called 'classes'"):
        report_notes(study)


def test_sections_follow_their_chapters_and_places(make):
    study = make.study({"raw": 0, "refined": 0.1, "oracle": 0.2}, clips=160, resamples=100, grid=True)
    places = [(one.section.chapter.place, one.section.place) for one in tell(study)]
    assert places == sorted(places)
    assert len(set(places)) == len(places)
