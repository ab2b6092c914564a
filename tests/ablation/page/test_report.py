"""The page as a whole: it nests, can be read without seeing it, and has its tables and figures beside it."""

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from ablation.page.report import report_notes, tell, write_report
from ablation.sections.answer import answer
from ablation.sections.benchmarks import find_benchmarks
from ablation.sections.caveats import find_caveats
from ablation.sections.clips import Clips, find_clips
from ablation.sections.confusions import find_confusions
from ablation.sections.importance import find_importance
from ablation.sections.methods import describe_methods
from ablation.sections.movement import find_movement
from ablation.sections.poses import find_poses
from ablation.sections.spectrum import find_spectrum
from ablation.verdict import judge, verdict_word
from base.tables import to_markdown

EMPTY = {"meta", "br", "img", "link", "hr", "input"}


class Page(HTMLParser):
    """Checks that tags nest, and collects what the tests ask for."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.ids, self.links, self.words = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [value for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in EMPTY:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def written(make, tmp_path_factory):
    study = make.study({"raw": 0, "refined": 0.1, "gaussian": 0.03, "oracle": 0.2}, grid=True)
    folder = tmp_path_factory.mktemp("report")
    return study, write_report(folder, "Does refining help?", study)


def tables_of(told):
    return {table.name: to_markdown(table) for one in told for table in one.tables}


def test_too_few_clips_get_a_dash_and_a_footnote(make):
    """Of 16 classes with six clips each none has an interval, while the whole of 96 clips has one."""
    study = make.study({"raw": 0, "refined": 0.1, "oracle": 0.2}, clips=96, resamples=200)
    tables = tables_of(tell(study))
    lines = tables["classes"].splitlines()
    assert "–: no interval is given from fewer than 10 clips, or 30 clips times seeds" in lines[0]
    column = [cell.strip() for cell in lines[2].split("|")].index("interval")
    assert {line.split("|")[column].strip() for line in lines[4:]} == {"–"}
    assert "no interval is given" not in tables["comparisons"]
    assert "Of 16 classes no interval is given" in find_caveats(study)[-1]
    notes = json.loads(json.dumps(report_notes(study)))
    assert all(effect["interval"] is None for effect in notes["classes"])
    assert "tested" not in notes["comparisons"][0]


def test_a_test_split_of_too_few_clips_gets_no_verdict(make):
    study = make.study({"raw": 0, "refined": 0.1, "oracle": 0.2}, clips=16, seeds=1, resamples=200, grid=True)
    told = tell(study)  # what is not there is not drawn either
    drawings = {drawing.name: drawing for one in told for drawing in one.drawings}
    assert all(drawings[name].figure.axes for name in ("difference", "classes", "severity"))
    assert "(no interval)" in drawings["difference"].alternative
    sentences = answer(study)
    assert "(too few clips for an interval; corrected p" in sentences[0]
    assert "over 16 test clips and 1 seed;" in sentences[0]
    assert {verdict_word(study, found) for found in study.get(judge).comparisons} == {"too few clips"}
    tables = tables_of(told)
    for name in ("accuracy", "comparisons", "conditions", "crossings"):
        assert "–: no interval is given" in tables[name]


def test_the_page_opens_with_the_answer_and_nests_properly(written):
    study, path = written
    page = Page(path.read_text())
    text = "".join(page.words)
    assert all(sentence in text for sentence in answer(study))
    assert text.index(answer(study)[0]) < text.index("Accuracy on the")
    assert [tag for tag, _ in page.tags if tag == "h1"] == ["h1"]
    assert len(page.ids) == len(set(page.ids))


def test_the_page_needs_no_network(written):
    text = written[1].read_text()
    assert not re.search(r"https?://|@import|<link|<iframe|url\((?!#)|fetch\(|XMLHttp|import\(", text)
    assert all("src" not in script for script in Page(text).all("script"))
    assert all(link.startswith("#") for link in Page(text).links)


def test_the_page_can_be_read_without_seeing_it(written):
    page = Page(written[1].read_text())
    assert all(len(one["aria-label"]) > 20 for one in page.all("div") if one.get("role") == "img")
    assert len(page.all("figure")) == len(page.all("figcaption")) >= 5
    assert len(page.all("caption")) == len(page.all("table")) >= 5
    assert all(one.get("scope") in ("row", "col") for one in page.all("th"))
    assert page.all("html")[0]["lang"] == "en"


def test_references_within_drawings_lead_somewhere(written):
    text = written[1].read_text()
    page = Page(text)
    wanted = {link[1:] for link in page.links} | set(re.findall(r"url\(#([^)]+)\)", text))
    assert wanted <= set(page.ids)


def test_drawings_follow_the_theme(written):
    text = written[1].read_text()
    drawings = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
    used = set(re.findall(r"var\(--([\w-]+)\)", drawings))
    assert {"ink", "arm-raw", "arm-refined"} <= used
    assert all(text.count(f"--{name}:") == 2 for name in used)  # once for light, once for dark


def test_hostile_names_do_no_harm(make, tmp_path):
    evil = '<script>alert("x")</script> & $\\alpha$'
    study = make.study({"raw": 0, "refined": 0.1}, report={"actions": [evil] * 16}, resamples=100, clips=160)
    text = write_report(tmp_path, evil, study).read_text()
    assert "<script>alert" not in text
    assert len(Page(text).all("script")) == 2  # the player's numbers, and what plays them
    assert "&lt;script&gt;" in text
    markdown = (tmp_path / "tables" / "classes.md").read_text()
    assert "<script" not in markdown


def test_tables_and_figures_lie_beside_the_page(written):
    study, path = written
    with (path.parent / "tables" / "accuracy.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["skeletons"] for row in rows] == ["raw", "SmoothNet", "Gaussian", "noise-free"]
    for row, arm in zip(rows, study.arms, strict=True):
        assert float(row["top-1"]) == pytest.approx(study.top1(arm).mean())
        assert float(row["by seed 2"]) == pytest.approx(study.top1(arm)[1])
    assert float(rows[1]["95% interval low"]) == pytest.approx(study.get(judge).comparisons[0].interval[0])
    assert rows[0]["difference"] == ""
    drawn = ("accuracy", "difference", "classes", "acceleration", "skeletons", "severity", "share", "conditions",
             "reduction", "truer", "movement", "spectrum", "joints")  # fmt: skip
    for name in drawn:
        assert (path.parent / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (path.parent / "figures" / f"{name}.svg").read_text().startswith("<?xml")


def test_the_methods_lie_beside_the_page_as_text(written):
    study, path = written
    text = (path.parent / "methods.txt").read_text()
    assert text == "\n\n".join(describe_methods(study)) + "\n"
    page = " ".join(Page(path.read_text()).words)
    assert all(paragraph in page for paragraph in text.strip().split("\n\n"))


def test_every_term_that_is_linked_is_explained_on_the_page(written):
    page = Page(written[1].read_text())
    terms = [one["href"][1:] for one in page.all("a") if one.get("class") == "term"]
    assert {"term-mpjpe", "term-holm-s-correction", "term-interval"} <= set(terms) <= set(page.ids)
    assert len(terms) > len(set(terms))  # once per chapter


def test_a_short_study_makes_a_report_too(make, tmp_path):
    study = make.study({"raw": 0, "refined": 0.05}, seeds=1, clips=60)
    nothing = (find_benchmarks, find_clips, find_movement, find_spectrum, find_importance, find_confusions)
    bare = make.knowing(study, {**dict.fromkeys(nothing), find_poses: []})
    page = Page(write_report(tmp_path, "Short", bare).read_text())
    assert "There is one seed" in "".join(page.words)


def test_what_could_not_be_trained_is_named_first(make, tmp_path):
    study = make.study({"raw": 0, "refined": 0.1}, clips=160)
    study = make.knowing(study, failures=("SmoothNet, seed 1: disk full",))
    words = " ".join(Page(write_report(tmp_path, "Some are missing", study).read_text()).words)
    assert "1 recogniser is missing below:" in words
    assert words.index("SmoothNet, seed 1: disk full") < words.index("Accuracy on the")


def test_names_with_dollars_are_drawn(make, tmp_path):
    labels = {"labels": {"refined": r"Smooth $\net$"}}
    study = make.study({"raw": 0, "refined": 0.1}, clips=160, report=labels)
    assert r"Smooth $\net$" in write_report(tmp_path, "Dollars", study).read_text()


def test_latex_compiles_in_the_head(written):
    text = (written[1].parent / "tables" / "accuracy.tex").read_text()
    assert text.count(r"\\") == 1 + len(written[0].arms)
    assert re.search(r"95\\% interval", text)
    assert not re.search(r"(?<!\\)[%_&#](?! )", text.replace(" & ", " "))


def test_skeletons_in_an_image_are_told_in_pixels(make, tmp_path):
    study = make.study({"raw": 0, "refined": 0.1}, clips=160)
    flat = replace(make.clip(), joints={arm: 500 * joints[..., :2] for arm, joints in make.clip().joints.items()})
    flat = replace(flat, layout=replace(flat.layout, dims=2))
    image = replace(study.clips, layout=flat.layout)
    study = make.knowing(study, {find_clips: Clips(flat, "x", [("x", flat)])}, clips=image)
    page = Page(write_report(tmp_path, "2D", study).read_text())
    words = " ".join(page.words)
    assert "px/frame²" in words
    assert "mm/frame²" not in words


def test_the_details_are_plain_json(written):
    notes = json.loads(json.dumps(report_notes(written[0])))
    assert notes["comparisons"][0]["arm"] == "refined"
