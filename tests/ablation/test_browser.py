"""The report in a real browser: a Chromium that is installed."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from ablation.page.player import Browsed, _clip, find_browsed
from ablation.page.report import write_report

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
WIDTHS = (390, 1440)


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def study(make):
    """A study that holds four clips to look for: raw is right about the first two, refined about every other."""
    study = make.study({"raw": 0, "refined": 0.1, "gaussian": 0.03, "oracle": 0.2}, grid=True)
    right = {arm: one.prediction == one.label for arm, one in study.arms.items()}
    kinds = [(raw, refined) for raw in (True, False) for refined in (True, False)]
    rows = [int(np.flatnonzero((right["raw"] == raw) & (right["refined"] == refined))[0]) for raw, refined in kinds]
    labels = study.arms["raw"].label
    clips = [
        _clip(study, "", replace(make.clip(64, row), name=study.names[row], action=int(labels[row]) + 1), 100, 4)
        for row in rows
    ]
    return make.knowing(study, {find_browsed: Browsed(clips, 4)})


@pytest.fixture(scope="module")
def address(study, tmp_path_factory):
    return write_report(tmp_path_factory.mktemp("page"), "Does refining help?", study).as_uri()


@pytest.fixture(params=WIDTHS)
def page(browser, address, request):
    """The page at either width; it must neither complain nor ask for anything else."""
    page = browser.new_page(viewport={"width": request.param, "height": 900})
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.wait_for_function(
        "() => !document.querySelector('#player .now') || document.querySelector('#player .now').value"
    )
    yield page
    assert said == []
    assert asked == [address]
    page.close()


@pytest.fixture(scope="module", params=(390, 1024, 1440))
def unfolded(browser, address, request):
    """The page at three widths, with nothing folded away, to be looked at only."""
    page = browser.new_page(viewport={"width": request.param, "height": 900})
    page.goto(address)
    page.evaluate("() => document.querySelectorAll('details').forEach(one => (one.open = true))")
    yield page
    page.close()


def test_nothing_is_cut_off(unfolded):
    """Nothing is wider than the page, or hidden in a box that scrolls; but long lists of cards do on a phone."""
    width = unfolded.viewport_size["width"]
    assert unfolded.evaluate("document.documentElement.scrollWidth") <= width
    beyond = unfolded.evaluate(
        """width => [...document.querySelectorAll("body *")]
            .filter(one => !one.closest("svg, pre, thead") && one.getClientRects().length)
            .filter(one => one.getBoundingClientRect().right > width + 1 || one.getBoundingClientRect().left < -1)
            .map(one => [one.outerHTML.slice(0, 80), one.getBoundingClientRect().right])""",
        width,
    )
    assert beyond == []
    hidden = unfolded.evaluate(
        """() => [...document.querySelectorAll(".scroll, .drawing")]
            .filter(one => one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1)
            .map(one => [
                one.querySelectorAll("tr").length > 12, one.scrollWidth > one.clientWidth + 1, one.textContent.trim()
            ])"""
    )
    assert all(width == 390 and long and not wide for long, wide, _ in hidden), hidden


def test_text_in_figures_has_ten_pixels(unfolded):
    sizes = unfolded.evaluate(
        """() => [...document.querySelectorAll("figure svg text")].map(one => {
            const { a, b } = one.getScreenCTM();
            return parseFloat(getComputedStyle(one).fontSize) * Math.hypot(a, b);
        })"""
    )
    assert len(sizes) > 100
    assert min(sizes) >= 10


def test_on_a_phone_every_row_is_a_card_whose_cells_say_what_they_are(unfolded):
    cells = unfolded.evaluate(
        """() => [...document.querySelectorAll("table.sortable")].flatMap(table => {
            const heads = [...table.tHead.rows[0].cells].map(one => one.textContent.replaceAll("\u2011", "-"));
            return [...table.tBodies[0].rows].flatMap(row => [...row.cells].slice(1).map((cell, at) => [
                cell.dataset.label === heads[at + 1],
                getComputedStyle(cell, "::before").content === JSON.stringify(cell.dataset.label),
                cell.getBoundingClientRect().bottom <= row.getBoundingClientRect().bottom + 1,
            ]));
        })"""
    )
    assert len(cells) > 100
    cards = unfolded.viewport_size["width"] == 390
    assert {tuple(one) for one in cells} == {(True, cards, True)}


def test_axe_finds_nothing(browser, address):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = browser.new_page()
    page.goto(address)
    page.evaluate("() => document.querySelectorAll('details').forEach(one => (one.open = true))")
    page.evaluate(axe.axe_script)
    for width in WIDTHS:
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            found = page.evaluate("() => axe.run({resultTypes: ['violations']})")
            assert len(found["passes"]) > 15
            assert [(one["id"], one["nodes"][0]["html"][:100]) for one in found["violations"]] == []
    page.close()


def test_paper_gets_light_colours_and_all_that_is_folded_away(browser, address):
    page = browser.new_page(color_scheme="dark")
    page.goto(address)
    page.emulate_media(media="print", color_scheme="dark")
    ink = "() => getComputedStyle(document.documentElement).getPropertyValue('--ink').trim()"
    assert page.evaluate(ink) == "#1d2733"
    folds = "() => [...document.querySelectorAll('details')].map(one => one.open)"
    before = page.evaluate(folds)
    assert not all(before)
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    assert all(page.evaluate(folds))
    assert page.locator("table:not(.taken)").evaluate_all(
        "all => all.every(one => one.getBoundingClientRect().height > 40)"
    )
    assert page.locator(".scroll, .drawing").evaluate_all(
        "all => all.every(one => getComputedStyle(one).overflow === 'visible')"
    )
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(folds) == before
    page.close()


def test_a_long_name_of_a_clip_widens_nothing(page):
    page.evaluate(
        """() => {
            for (const one of document.querySelectorAll("select")) {
                one.append(new Option("put something into a bag and take it out again (S001C001P001R001A089)"));
            }
        }"""
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def numbers(page, table, column):
    cells = page.locator(f"{table} tbody tr:visible > :nth-child({column})").all_inner_texts()
    return [float(cell.replace("−", "-")) for cell in cells if cell != "–"]


def test_tables_sort_either_way_and_keep_empty_cells_last(page):
    table = 'table:has(caption:has-text("Accuracy on the"))'
    head = page.locator(f'{table} thead th:has-text("difference")')
    place = 1 + page.locator(f"{table} thead th").all_inner_texts().index("difference")
    for direction in ("ascending", "descending"):
        head.locator("button").click()
        found = numbers(page, table, place)
        assert found == sorted(found, reverse=direction == "descending")
        assert head.get_attribute("aria-sort") == direction
        assert page.locator(f"{table} tbody tr").last.locator(f":nth-child({place})").first.inner_text() == "–"


def test_tables_sort_by_keyboard(page):
    button = page.locator('table:has(caption:has-text("Accuracy on the")) thead th >> nth=1 >> button')
    button.focus()
    page.keyboard.press("Enter")
    assert page.locator('table:has(caption:has-text("Accuracy on the")) th[aria-sort="ascending"]').count() == 1


def test_long_tables_filter(page):
    table = 'table:has(caption:has-text("Every kind of skeletons"))'
    rows = page.locator(f"{table} tbody tr:visible")
    before = rows.count()
    box = page.locator(f".filter:has(+ .scroll {table}) input, .filter:has(+ div:has({table})) input").first
    box.fill("gaussian bone")
    assert rows.count() == 1 < before
    box.fill("")
    assert rows.count() == before


def test_the_player_plays_and_pauses(page):
    player = page.locator("#player")
    player.scroll_into_view_if_needed()
    at = "() => Number(document.querySelector('#player .frame').value)"
    picture = "() => document.querySelector('#player .scene').toDataURL()"
    still = page.evaluate(picture)
    assert page.evaluate(at) == 0
    player.get_by_role("button", name="Play").click()
    page.wait_for_function("() => Number(document.querySelector('#player .frame').value) > 5", timeout=10_000)
    player.get_by_role("button", name="Pause").click()
    stopped = page.evaluate(at)
    page.wait_for_timeout(200)
    assert page.evaluate(at) == stopped
    assert page.evaluate(picture) != still


def test_the_player_goes_where_it_is_told(page):
    expect = playwright.expect
    player = page.locator("#player")
    slider = player.locator(".frame")
    slider.focus()
    page.keyboard.press("End")
    assert player.locator(".now").inner_text() == "69 of 0 to 69"
    before = page.evaluate("document.querySelector('#player .scene').toDataURL()")
    player.locator(".clip").select_option("1")
    expect(player.locator(".now")).to_have_text("0 of 0 to 89")
    assert "repaired <most> clearly" in player.locator(".why").inner_text()
    assert page.evaluate("document.querySelector('#player .scene').toDataURL()") != before
    box = player.locator(".curve").bounding_box()
    player.locator(".curve").click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    assert 40 <= int(slider.input_value()) <= 50


def test_clips_are_found_by_action_and_by_who_is_right(page, study):
    expect = playwright.expect
    player = page.locator("#player")
    clips = study.get(find_browsed).clips
    chosen = player.locator(".clip option")
    assert chosen.count() == 2 + 4
    raw, refined = player.locator(".right").nth(0), player.locator(".right").nth(1)
    raw.select_option("wrong")
    assert chosen.count() == 2
    refined.select_option("right")
    (wanted,) = [one for one in clips if one["taken"][0][0] != one["label"] and one["taken"][1][0] == one["label"]]
    assert wanted["name"] in chosen.inner_text()
    expect(player.locator(".now")).to_have_text("0 of 0 to 60")  # 64 frames, one of four
    assert player.locator(".why").inner_text().endswith(f"{wanted['name']}.")
    cells = player.locator(".taken tbody tr").nth(0).locator("td").all_inner_texts()
    guess = study.action(int(study.arms["raw"].action[wanted["taken"][0][0]]))
    assert cells == [f"\u2717 {guess}", *map(str, wanted["taken"][0][1:])]
    raw.select_option("any")
    refined.select_option("any")
    player.locator(".action").select_option(wanted["action"])
    assert chosen.count() == sum(one["action"] == wanted["action"] for one in clips)
    refined.select_option("wrong")
    if chosen.count() == 0:
        assert player.locator(".count").inner_text() == "no clip fits"


def test_clips_are_stepped_through_and_turned_by_keyboard(page):
    player = page.locator("#player")
    player.locator(".next").focus()
    page.keyboard.press("Enter")
    playwright.expect(player.locator(".now")).to_have_text("0 of 0 to 89")
    assert player.locator(".clip").input_value() == "1"
    picture = "document.querySelector('#player .scene').toDataURL()"
    before = page.evaluate(picture)
    player.locator(".scene").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate(picture) != before


def test_skeletons_turn_when_dragged(page):
    scene = page.locator("#player .scene")
    scene.scroll_into_view_if_needed()
    before = page.evaluate("document.querySelector('#player .scene').toDataURL()")
    box = scene.bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 150, box["y"] + 60, steps=4)
    page.mouse.up()
    assert page.evaluate("document.querySelector('#player .scene').toDataURL()") != before


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_either_theme(browser, address, scheme):
    """The contrast of text and paper is at least 4.5 (WCAG 2.1, AA)."""
    page = browser.new_page(color_scheme=scheme)
    page.goto(address)
    colours = page.evaluate(
        """() => ["ink", "muted", "paper", "page"].map(name =>
            getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim())"""
    )

    def luminance(colour):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    ink, muted, paper, around = map(luminance, colours)
    for text in (ink, muted):
        for behind in (paper, around):
            light, dark = max(text, behind), min(text, behind)
            assert (light + 0.05) / (dark + 0.05) >= 4.5
    page.close()


def test_without_scripts_all_is_there_but_the_player(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert page.locator("figure svg").count() >= 12
    assert page.locator("table").count() >= 8
    context.close()
