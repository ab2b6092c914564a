import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from ablation.findings import answer, p_value, points, verdict
from ablation.page.report import findings_notes, write_report

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
    findings = make.findings({"raw": 0, "refined": 0.1, "gaussian": 0.03, "oracle": 0.2}, grid=True)
    folder = tmp_path_factory.mktemp("report")
    return findings, write_report(folder, "Does refining help?", findings)


def test_a_gain_is_called_a_gain(make):
    sentences = answer(make.findings({"raw": 0, "refined": 0.1, "gaussian": 0.02, "oracle": 0.2}))
    assert re.match(
        r"Recognising skeletons refined by SmoothNet instead of raw skeletons raised accuracy from \d+\.\d% to "
        r"\d+\.\d%: \+\d+\.\d points \(95% interval \+.* to \+.*; McNemar p < 0\.001\), over 480 test clips and 3 "
        r"seeds\.",
        sentences[0],
    )
    assert "The best of the tuned classical filters, Gaussian" in sentences[1]
    assert re.search(r"points more", sentences[1])
    assert re.search(r"skeletons refined by SmoothNet closed \d+% of that gap", sentences[2])
    assert len(sentences) == 3


def test_a_loss_is_called_a_loss(make):
    sentences = answer(make.findings({"raw": 0, "refined": -0.1, "oracle": 0.2}))
    assert "lowered accuracy" in sentences[0]
    assert re.search(r": −\d+\.\d points", sentences[0])
    assert "so much was there to gain" in sentences[1]


def test_too_few_clips_get_a_dash_and_a_footnote(make, tmp_path):
    """Of 16 classes with six clips each none has an interval, while the whole of 96 clips has one."""
    findings = make.findings({"raw": 0, "refined": 0.1, "oracle": 0.2}, clips=96, resamples=200)
    page = write_report(tmp_path, "Few", findings)
    lines = (tmp_path / "tables/classes.md").read_text().splitlines()
    assert "–: no interval is given from fewer than 10 clips, or 30 clips times seeds" in lines[0]
    column = [cell.strip() for cell in lines[2].split("|")].index("interval")
    assert {line.split("|")[column].strip() for line in lines[4:]} == {"–"}
    assert "no interval is given" not in (tmp_path / "tables/comparisons.md").read_text()
    assert "Of 16 classes no interval is given" in Page(page.read_text(encoding="utf-8")).words.__str__()
    notes = json.loads(json.dumps(findings_notes(findings)))
    assert all(effect["interval"] is None for effect in notes["classes"])


def test_a_test_split_of_too_few_clips_gets_no_verdict(make, tmp_path):
    findings = make.findings({"raw": 0, "refined": 0.1, "oracle": 0.2}, clips=16, seeds=1, resamples=200, grid=True)
    write_report(tmp_path, "Few", findings)
    sentences = answer(findings)
    assert "(too few clips for an interval; McNemar" in sentences[0]
    assert "over 16 test clips and 1 seed;" in sentences[0]
    assert {verdict(findings, found) for found in findings.comparisons} == {"too few clips"}
    for name in ("accuracy", "comparisons", "conditions", "crossings"):
        assert "–: no interval is given" in (tmp_path / f"tables/{name}.md").read_text()


def test_no_difference_is_called_no_significant_difference(make):
    findings = make.findings({"raw": 0, "refined": 0, "gaussian": 0}, seed=2)
    sentences = answer(findings)
    assert sentences[0].startswith("No significant difference: ")
    assert "cannot be told apart" in sentences[1]
    assert "mean acceleration fell from 30.0 to 15.0 mm/frame²" in sentences[2]


def test_the_accuracies_in_the_answer_are_those_of_the_scores(make):
    findings = make.findings({"raw": 0, "refined": 0.1})
    assert f"from {findings.top1('raw').mean():.1f}% to {findings.top1('refined').mean():.1f}%" in answer(findings)[0]


def test_without_a_refined_arm_the_first_other_arm_is_the_subject(make):
    sentences = answer(make.findings({"raw": 0, "gaussian": 0.1}))
    assert "skeletons smoothed by the Gaussian filter" in sentences[0]
    assert len(sentences) == 2


def test_the_page_opens_with_the_answer_and_nests_properly(written):
    findings, path = written
    page = Page(path.read_text())
    text = " ".join(page.words)
    assert all(sentence in text for sentence in answer(findings))
    assert text.index(answer(findings)[0]) < text.index("Accuracy on the")
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
    findings = make.findings(
        {"raw": 0, "refined": 0.1}, actions=dict.fromkeys(range(1, 17), evil), resamples=100, clips=160
    )
    text = write_report(tmp_path, evil, findings).read_text()
    assert "<script>alert" not in text
    assert len(Page(text).all("script")) == 2  # the player's numbers, and what plays them
    assert "&lt;script&gt;" in text
    markdown = (tmp_path / "tables" / "classes.md").read_text()
    assert "<script" not in markdown


def test_tables_and_figures_lie_beside_the_page(written):
    findings, path = written
    with (path.parent / "tables" / "accuracy.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["skeletons"] for row in rows] == ["raw", "SmoothNet", "Gaussian", "noise-free"]
    for row, arm in zip(rows, findings.arms, strict=True):
        assert float(row["top-1"]) == pytest.approx(findings.top1(arm).mean())
        assert float(row["by seed 2"]) == pytest.approx(findings.top1(arm)[1])
    assert float(rows[1]["95% interval low"]) == pytest.approx(findings.comparisons[0].interval[0])
    assert rows[0]["difference"] == ""
    drawn = ("accuracy", "difference", "classes", "acceleration", "skeletons", "severity", "share", "conditions",
             "reduction", "movement", "spectrum", "joints")  # fmt: skip
    for name in drawn:
        assert (path.parent / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (path.parent / "figures" / f"{name}.svg").read_text().startswith("<?xml")


def test_a_short_study_makes_a_report_too(make, tmp_path):
    findings = make.findings({"raw": 0, "refined": 0.05}, seeds=1, clips=60)
    nothing = {"benchmarks": None, "clip": None, "movement": None, "spectrum": None, "importance": {}}
    bare = replace(findings, poses=[], confusions=[], clips=[], **nothing)
    text = write_report(tmp_path, "Short", bare).read_text()
    Page(text)
    assert "There is one seed" in text


def test_what_could_not_be_trained_is_named_first(make, tmp_path):
    findings = replace(make.findings({"raw": 0, "refined": 0.1}, clips=160), failures=["SmoothNet, seed 1: disk full"])
    words = " ".join(Page(write_report(tmp_path, "Some are missing", findings).read_text()).words)
    assert "1 recogniser is missing below:" in words
    assert words.index("SmoothNet, seed 1: disk full") < words.index("Accuracy on the")


def test_a_verdict_takes_the_interval_and_the_corrected_test(make):
    findings = make.findings({"raw": 0, "refined": 0.1})
    (found,) = findings.comparisons
    assert verdict(findings, found) == "better"
    assert verdict(findings, replace(found, holm_p=0.2)) == "leans better"
    assert verdict(findings, replace(found, interval=(-3.0, -1.0), difference=-2.0, holm_p=0.2)) == "leans worse"
    assert verdict(findings, replace(found, interval=(-3.0, 1.0), narrow=(-2.0, 0.4))) == "undecided"
    assert verdict(findings, replace(found, interval=(-0.4, 0.4), narrow=(-0.3, 0.3))) == "equal within ±0.5"


def test_equality_is_said_only_where_it_is_shown(make):
    alike = make.findings({"raw": 0, "refined": 0}, seed=2)
    assert "neither a gain nor a loss of more than 0.5 points is ruled out" in answer(alike)[0]
    assert "rule out a difference of more than 20 points either way" in answer(replace(alike, margin=20))[0]
    (found,) = alike.comparisons
    lost = replace(alike, comparisons=[replace(found, interval=(-3.0, 0.1), narrow=(-2.6, 0.0))])
    assert "a gain of more than 0.5 points is ruled out, a loss is not" in answer(lost)[0]


def test_a_test_that_disagrees_with_the_interval_is_not_kept_quiet(make):
    findings = make.findings({"raw": 0, "refined": 0}, seed=2)
    (found,) = findings.comparisons
    odd = replace(findings, comparisons=[replace(found, mcnemar_p=0.02)])
    assert "though McNemar's test on one prediction per clip finds one" in answer(odd)[0]


def test_no_ceiling_is_claimed_that_the_clips_cannot_show(make):
    findings = make.findings({"raw": 0, "refined": 0.1, "oracle": 0.2})
    refined, ceiling = findings.comparisons
    unsure = replace(ceiling, difference=3.3, interval=(-2.1, 8.5), narrow=(-1.5, 8.0))
    assert "cannot tell from none" in answer(replace(findings, comparisons=[refined, unsure]))[1]
    flat = replace(ceiling, difference=0.0, interval=(-0.3, 0.3), narrow=(-0.2, 0.2))
    assert "hardly anything to gain" in answer(replace(findings, comparisons=[refined, flat]))[1]
    beyond = replace(refined, difference=ceiling.difference + 1)
    assert "%" not in answer(replace(findings, comparisons=[beyond, ceiling]))[1].partition("): ")[2]


@pytest.mark.parametrize(
    ("pairing", "said"),
    [
        ("test", "skeletons refined by SmoothNet after training on raw skeletons instead of raw skeletons"),
        ("train", "raw skeletons after training on skeletons refined by SmoothNet instead of raw skeletons"),
    ],
)
def test_the_answer_says_where_the_skeletons_were_used(make, pairing, said):
    findings = make.findings({"raw": 0, "refined": 0.1})
    assert said in answer(replace(findings, condition=replace(findings.condition, pairing=pairing)))[0]


def test_names_with_dollars_are_drawn(make, tmp_path):
    findings = replace(make.findings({"raw": 0, "refined": 0.1}, clips=160), labels={"refined": r"Smooth $\net$"})
    assert r"Smooth $\net$" in write_report(tmp_path, "Dollars", findings).read_text()


def test_where_refining_begins_to_pay_is_in_the_answer(make):
    findings = make.findings({"raw": 0, "refined": 0.1}, grid=True)
    assert re.search(
        r"begins to gain at severity 0\.\d of the noise \(95% interval 0\.\d to 0\.\d, where a", answer(findings)[1]
    )


def test_latex_compiles_in_the_head(written):
    text = (written[1].parent / "tables" / "accuracy.tex").read_text()
    assert text.count(r"\\") == 1 + len(written[0].arms)
    assert re.search(r"95\\% interval", text)
    assert not re.search(r"(?<!\\)[%_&#](?! )", text.replace(" & ", " "))


def test_skeletons_in_an_image_are_told_in_pixels(make, tmp_path):
    findings = make.findings({"raw": 0, "refined": 0.1}, clips=160)
    flat = replace(make.clip(), joints={arm: 500 * joints[..., :2] for arm, joints in make.clip().joints.items()})
    flat = replace(flat, layout=replace(flat.layout, dims=2))
    page = Page(write_report(tmp_path, "2D", replace(findings, clip=flat, clips=[("x", flat)], unit="px")).read_text())
    words = " ".join(page.words)
    assert "px/frame²" in words
    assert "mm/frame²" not in words


def test_the_details_are_plain_json(written):
    notes = json.loads(json.dumps(findings_notes(written[0])))
    assert notes["comparisons"][0]["arm"] == "refined"


@pytest.mark.parametrize(("value", "text"), [(1.25, "+1.2"), (-0.04, "−0.04"), (0.001, "0.0"), (-3.21, "−3.2")])
def test_points_carry_their_sign(value, text):
    assert points(value) == text


def test_p_values_read_well():
    assert [p_value(p) for p in (0.0004, 0.0123, 0.5)] == ["p < 0.001", "p = 0.012", "p = 0.50"]
