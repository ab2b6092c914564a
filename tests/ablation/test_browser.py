"""The report in a real browser: a Chromium that is installed."""

import shutil

import pytest

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
def address(make, tmp_path_factory):
    study = make.study({"raw": 0, "refined": 0.1, "gaussian": 0.03, "oracle": 0.2}, grid=True)
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
    yield page
    assert said == []
    assert asked == [address]
    page.close()


def test_nothing_is_cut_off(page):
    """Nothing is wider than the page but tables, which scroll in a box of their own."""
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    beyond = page.evaluate(
        """width => [...document.querySelectorAll("body *")]
            .filter(one => !one.closest(".scroll, svg, pre") && one.getClientRects().length)
            .filter(one => one.getBoundingClientRect().right > width + 1 || one.getBoundingClientRect().left < -1)
            .map(one => one.outerHTML.slice(0, 80))""",
        width,
    )
    assert beyond == []
    hidden = page.evaluate(
        """() => [...document.querySelectorAll(".scroll")]
            .filter(one => one.scrollWidth > one.clientWidth + 1)
            .filter(one => getComputedStyle(one).overflowX !== "auto").length"""
    )
    assert hidden == 0


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
    player = page.locator("#player")
    slider = player.locator(".frame")
    slider.focus()
    page.keyboard.press("End")
    assert player.locator(".now").inner_text() == "69 of 0 to 69"
    before = page.evaluate("document.querySelector('#player .scene').toDataURL()")
    player.locator(".clip").select_option("1")
    assert player.locator(".now").inner_text() == "0 of 0 to 89"
    assert "repaired <most> clearly" in player.locator(".why").inner_text()
    assert page.evaluate("document.querySelector('#player .scene').toDataURL()") != before
    box = player.locator(".curve").bounding_box()
    player.locator(".curve").click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    assert 40 <= int(slider.input_value()) <= 50


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
