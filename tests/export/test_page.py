"""The page in a real browser: what a person, with a mouse or without, can do with it."""

import re

import pytest

from cpgbuild import api
from cpgbuild.cli.wording import reasons_text
from cpgbuild.export.page_document import Wanted
from cpgbuild.export.page_making import PageMaker
from tests.support.commands import run_here


def test_page_opens_without_a_complaint_and_asks_nobody(tab, shop_page):
    assert tab.page.title() == "shop · cpgbuild"
    assert tab.page.locator("#summary").text_content().startswith("6 datasets, all up to date")
    tab.page.locator("[data-dataset]").last.click()
    tab.page.mouse.wheel(0, 300)
    tab.page.wait_for_timeout(100)
    assert tab.complaints == []
    assert tab.requests == [shop_page.as_uri()]


def test_policy_lets_nothing_out(tab):
    answer = tab.page.evaluate("fetch('https://example.org').then(() => 'sent', () => 'refused')")
    assert answer == "refused"
    assert any("Content Security Policy" in said for said in tab.complaints)


def test_texts_of_users_are_shown_and_never_run(tab):
    tab.page.locator("[data-dataset]", has_text="v_odd").click()
    details = tab.page.locator("#details")
    assert "</script><script>window.hurt = 1</script>" in details.text_content()
    assert "ada<!--<script>" in details.text_content()
    assert tab.page.evaluate("window.hurt") is None
    assert details.locator("img, script").count() == 0


def nodes(tab):
    """Find the nodes of the graph by moving the mouse over it: a place on each, by dataset."""
    box = tab.page.locator("#canvas").bounding_box()
    found = {}
    for x in range(int(box["x"]) + 20, int(box["x"] + box["width"]) - 20, 50):
        for y in range(int(box["y"]) + 20, int(box["y"] + box["height"]) - 60, 22):
            tab.page.mouse.move(x, y)
            if tab.page.locator("#canvas.on-node").count():
                found[x, y] = True
    return list(found)


def test_click_on_a_node_shows_its_details(tab):
    places = nodes(tab)
    assert places
    tab.page.mouse.click(*places[0])
    name = tab.selected()
    assert name in tab.listed()
    assert tab.page.locator("#tree [aria-selected=true] .name").text_content() == name
    assert tab.page.url.endswith(f"#{name}")


def test_click_beside_all_nodes_closes_the_details(visit, shop_page):
    tab = visit(f"{shop_page.as_uri()}#sales")
    assert tab.selected() == "sales"
    box = tab.page.locator("#canvas").bounding_box()
    tab.page.mouse.click(box["x"] + box["width"] - 6, box["y"] + 6)
    assert tab.page.locator("#details").is_hidden()


def test_drag_moves_the_graph_and_selects_nothing(tab):
    before = tab.pixels()
    box = tab.page.locator("#canvas").bounding_box()
    tab.page.mouse.move(box["x"] + 300, box["y"] + 60)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + 380, box["y"] + 160, steps=4)
    tab.page.mouse.up()
    tab.page.wait_for_timeout(60)
    assert tab.pixels() != before
    assert tab.page.locator("#details").is_hidden()


def test_wheel_and_buttons_scale_and_show_all_again(tab):
    begin = tab.pixels()
    tab.page.locator("#in").click()
    tab.page.wait_for_timeout(60)
    larger = tab.pixels()
    tab.page.locator("#fit").click()
    tab.page.locator("#tree").hover()
    tab.page.wait_for_timeout(60)
    assert larger != begin
    assert tab.pixels() == begin


def test_details_have_description_columns_source_and_last_build(tab):
    tab.page.locator("[data-dataset]", has_text="sales").click()
    text = tab.page.locator("#details").inner_text()
    for said in (
        "What each customer spent.",
        "tasks/sales.py:13",
        "up to date",
        "float64",
        "2 rows",
    ):
        assert said in text
    assert tab.page.locator("pre .c-keyword").first.text_content() in {"def", "return"}


def columns_in(tab, part):
    """Return the columns in a list of the way of a column."""
    rows = tab.page.locator(f".both {part} li").all()
    return {
        f"{row.locator('.owner').text_content()}.{one.text_content()}"
        for row in rows
        for one in row.get_by_role("button").all()
    }


@pytest.mark.parametrize(
    "column", ["orders.amount", "orders.region", "v_orders.customer_id", "sales.amount", "top.name"]
)
def test_exactly_the_columns_are_lit_that_lineage_tells(visit, shop_page, shop_folder, column):
    tab = visit(f"{shop_page.as_uri()}#{column}")
    told = {"up": set(), "down": set()}
    for record in run_here("lineage", column, "--json", folder=shop_folder).records:
        if record["event"] == "lineage":
            told[record["direction"]].add(f"{record['dataset']}.{record['column']}")
    assert columns_in(tab, ".up") == told["up"] - {column}
    assert columns_in(tab, ".down") == told["down"]


def test_a_followed_column_lights_up_in_the_graph(tab):
    tab.page.locator("[data-dataset]", has_text="v_orders").click()
    before = tab.pixels()
    tab.page.locator("[data-column=customer_id]").click()
    assert tab.lit().startswith("v_orders.customer_idcomes from 1reaches 1")
    tab.page.wait_for_timeout(60)
    assert tab.pixels() != before


def test_what_only_decides_is_shown_when_it_is_asked_for(visit, shop_page):
    tab = visit(f"{shop_page.as_uri()}#sales.amount")
    assert tab.page.locator(".both .weak").count() == 0
    tab.page.locator("#whole").click()
    assert columns_in(tab, ".up.weak") == {
        "v_orders.customer_id",
        "orders.customer_id",
        "orders.region",
    }
    # The rows of `top`, and what is made of these.
    assert columns_in(tab, ".down.weak") == {"top.name", "v_odd.name"}
    assert tab.lit().startswith("sales.amountcomes from 2, decided by 3reaches 2, decides 2")
    # The next column is followed in the same way, until that is ended.
    tab.page.locator("[data-column=customer_id]").click()
    assert tab.page.locator("#whole").get_attribute("aria-pressed") == "true"
    tab.page.locator("#whole").click()
    assert tab.page.locator(".both .weak").count() == 0


def test_what_is_only_decided_is_drawn_too(visit, shop_page):
    tab = visit(f"{shop_page.as_uri()}#customers.customer_id")
    assert tab.lit().startswith("customers.customer_idcomes from 0reaches 0")
    tab.page.wait_for_timeout(60)
    drawn = tab.pixels()
    tab.page.locator("#whole").click()
    tab.page.wait_for_timeout(60)
    assert tab.pixels() != drawn
    assert columns_in(tab, ".down.weak") == {"top.name", "top.amount", "v_odd.name", "v_odd.amount"}


def test_a_column_shows_its_expression_and_a_dataset_what_decides_its_rows(visit, shop_page):
    tab = visit(f"{shop_page.as_uri()}#sales")
    lines = tab.page.locator(".columns .made").all_text_contents()
    assert lines == ["v_orders.customer_id", "sum(v_orders.amount)"]
    assert tab.page.locator(".uses").text_content() == "Rows: group v_orders.customer_id"
    tab.page.locator(".made", has_text="sum(").click()
    assert tab.lit().startswith("sales.amount")
    assert tab.page.locator(".formula").text_content() == "sum(v_orders.amount)"
    tab.page.locator(".uses").get_by_role("button", name="v_orders.customer_id").click()
    assert tab.lit().startswith("v_orders.customer_id")


def test_runs_checks_and_failures_are_shown(visit, project):
    project.write(
        "tasks/checked.sql",
        """
        -- cpgbuild: kind = "compute", not_null = ["name"], unique = ["name"]
        SELECT customer_id, name FROM customers
        """,
    )
    api.build(project.root)
    project.write("data/customers.csv", "customer_id,name\n1,ada\n2,ada\n3,eve\n")
    api.build(project.root, targets=["checked"])
    path = project.root / "page.html"
    path.write_text(PageMaker(project.root, Wanted(reasons_text)).make().html, encoding="utf-8")
    tab = visit(f"{path.as_uri()}#checked")
    assert tab.page.locator(".checks li").all_text_contents() == [
        "✓not_null(name) passed",
        "✗unique(name) failed: 2 rows, kept in .cpgbuild/failed/checked/unique.name.parquet",
    ]
    assert "✗ failed" in tab.page.locator(".last.failed").text_content()
    rows = tab.page.locator(".runs tbody tr").all()
    assert [row.locator("td").nth(1).text_content() for row in rows] == ["✗ failed", "built"]
    assert "check `unique(name)`" in rows[0].text_content()
    bars = tab.page.locator(".bars rect").all()
    assert [bar.get_attribute("class") for bar in bars] == ["built", "failed"]


def test_column_is_let_go_by_the_same_button(tab):
    tab.page.locator("[data-dataset]", has_text="v_orders").click()
    tab.page.locator("[data-column=customer_id]").click()
    assert tab.focused() != "canvas"
    tab.page.locator("[data-column=customer_id][aria-pressed=true]").click()
    assert tab.lit() == ""
    assert tab.selected() == "v_orders"


def test_column_of_another_dataset_is_followed_from_the_list_of_the_way(tab):
    tab.page.locator("[data-dataset]", has_text="sales").click()
    tab.page.locator("[data-column=amount]").click()
    tab.page.locator(".both .up li", has_text="v_orders").get_by_role(
        "button", name="amount"
    ).click()
    assert tab.selected() == "v_orders"
    assert tab.lit().startswith("v_orders.amount")


def test_address_leads_back_to_a_column(visit, shop_page):
    tab = visit(f"{shop_page.as_uri()}#sales.amount")
    assert tab.selected() == "sales"
    assert tab.lit().startswith("sales.amount")


def test_search_finds_names_columns_tags_and_descriptions(tab):
    search = tab.page.locator("#search")
    search.fill("ord")
    assert tab.listed()[:2] == ["orders", "v_orders"]
    search.fill("texts")
    assert tab.listed() == ["v_odd"]
    search.fill("name")
    assert set(tab.listed()) == {"customers", "top", "v_odd"}
    search.fill("customer spent")
    assert tab.listed() == ["sales"]
    search.fill("nothing of the kind")
    assert tab.listed() == []
    assert tab.page.locator("#found").text_content() == "0 datasets of 6"


def test_search_by_keys_alone(tab):
    tab.page.keyboard.press("/")
    assert tab.focused() == "search"
    tab.page.keyboard.type("sales")
    tab.page.keyboard.press("Enter")
    assert tab.selected() == "sales"
    assert tab.focused() == "details-title"
    tab.page.keyboard.press("Escape")
    assert tab.selected() == ""
    assert tab.focused() == "canvas"


def test_group_is_collapsed_in_list_and_graph(tab):
    before = tab.pixels()
    group = tab.page.locator("[data-group=tasks]")
    group.locator("> .group").click()
    assert group.get_attribute("aria-expanded") == "false"
    assert tab.listed() == ["customers", "orders", "v_odd"]
    tab.page.wait_for_timeout(60)
    assert tab.pixels() != before
    tab.page.locator("#expand").click()
    assert "sales" in tab.listed()


def test_groups_are_by_folder_tag_or_nothing(tab):
    groups = tab.page.locator("[data-group]")
    names = lambda: [one.get_attribute("data-group") for one in groups.all()]  # noqa: E731
    assert names() == ["sources", "tasks", "tasks/notes"]
    tab.page.locator("#by").select_option("tag")
    assert names() == ["sources", "no tag", "odd"]
    tab.page.locator("#by").select_option("nothing")
    assert names() == ["all datasets"]


def test_what_lies_in_a_collapsed_group_is_opened_when_it_is_chosen(tab):
    tab.page.locator("#collapse").click()
    assert tab.listed() == []
    tab.page.locator("#search").fill("sales")
    tab.page.keyboard.press("Enter")
    assert tab.selected() == "sales"
    assert tab.page.locator("[data-group=tasks]").get_attribute("aria-expanded") == "true"
    assert tab.page.locator("[data-group=sources]").get_attribute("aria-expanded") == "false"


def test_only_what_a_dataset_needs_and_what_needs_it_is_drawn(visit, shop_page):
    tab = visit(f"{shop_page.as_uri()}#customers")
    tab.page.locator("#around").click()
    tab.page.locator("#canvas").focus()
    walked = []
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft", "ArrowUp", "ArrowDown"):
        tab.page.keyboard.press(key)
        walked.append(tab.selected())
    assert walked == ["top", "v_odd", "top", "customers", "customers", "customers"]


def test_what_lies_outside_of_it_is_drawn_with_its_own_when_it_is_chosen(visit, shop_page):
    tab = visit(f"{shop_page.as_uri()}#customers")
    tab.page.locator("#around").click()
    assert tab.page.locator("#around").text_content() == "Only around customers"
    tab.page.locator("[data-dataset]", has_text="v_orders").click()
    assert tab.page.locator("#around").text_content() == "Only around v_orders"
    tab.page.locator("#around").click()
    assert tab.page.locator("#around").get_attribute("aria-pressed") == "false"


def test_arrow_keys_walk_along_edges_of_the_graph(visit, shop_page):
    tab = visit(f"{shop_page.as_uri()}#v_orders")
    tab.page.locator("#canvas").focus()
    walked = []
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft", "ArrowLeft"):
        tab.page.keyboard.press(key)
        walked.append(tab.selected())
    assert walked[:3] == ["sales", "top", "v_odd"]
    assert walked[3] == "top"
    assert walked[4] in {"sales", "customers"}
    assert tab.page.locator("#spoken").text_content().startswith(walked[-1])
    tab.page.keyboard.press("Enter")
    assert tab.focused() == "details-title"


def test_arrow_keys_come_to_a_group_and_enter_opens_it(tab):
    tab.page.locator("#collapse").click()
    tab.page.locator("#canvas").focus()
    tab.page.keyboard.press("ArrowRight")
    spoken = tab.page.locator("#spoken").text_content()
    assert spoken.startswith("group ")
    tab.page.keyboard.press("Enter")
    assert tab.page.locator("[aria-expanded=true]").count() == 1


def test_list_is_one_stop_of_the_tab_key_and_walked_by_arrows(tab):
    tab.page.locator("#search").focus()
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("ArrowDown")
    assert tab.focused() == "customers, source"
    tab.page.keyboard.press("End")
    assert tab.focused() == "v_odd, view, up to date"
    tab.page.keyboard.press("ArrowLeft")
    assert tab.focused() == "tasks/notes, 1 dataset"
    tab.page.keyboard.press("ArrowLeft")
    assert tab.page.locator("[data-group='tasks/notes']").get_attribute("aria-expanded") == "false"
    tab.page.keyboard.press("ArrowUp")
    tab.page.keyboard.press("Enter")
    assert tab.selected() == "v_orders"
    tab.page.locator("#tree").press("Tab")


def test_every_control_has_a_name(tab):
    tab.page.locator("[data-dataset]", has_text="sales").click()
    unnamed = tab.page.evaluate(
        """[...document.querySelectorAll('button, input, select, canvas, [role=treeitem], [role=region]')]
           .filter((e) => !(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length))
           .map((e) => e.outerHTML)"""
    )
    assert unnamed == []


def test_dark_follows_the_system_and_the_switch(visit, shop_page):
    tab = visit(shop_page.as_uri(), color_scheme="dark")
    shade = "getComputedStyle(document.body).backgroundColor"
    dark = tab.page.evaluate(shade)
    assert tab.page.locator("#theme").get_attribute("aria-pressed") == "true"
    drawn = tab.pixels()
    tab.page.locator("#theme").click()
    tab.page.wait_for_timeout(60)
    assert tab.page.evaluate(shade) != dark
    assert tab.pixels() != drawn
    tab.page.reload()
    assert tab.page.locator("#theme").get_attribute("aria-pressed") == "false"


def test_texts_are_told_from_their_ground_in_both_themes(tab):
    tab.page.locator("[data-dataset]", has_text="sales").click()
    for _ in range(2):
        least = tab.page.evaluate(CONTRAST)
        assert least[0] >= 4.5, least
        tab.page.locator("#theme").click()


CONTRAST = """() => {
  const probe = document.createElement('canvas').getContext('2d');
  const rgb = (name) => {
    probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    return [1, 3, 5].map((at) => parseInt(probe.fillStyle.slice(at, at + 2), 16) / 255);
  };
  const light = (name) => rgb(name).map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const texts = ['text', 'muted', 'accent', 'up', 'down', 'c-keyword', 'c-string', 'c-number', 'c-comment', 'c-function'];
  const pairs = texts.flatMap((name) => ['panel', 'back', 'code-back'].map((ground) => [ratio(`--${name}`, `--${ground}`), name, ground]));
  return pairs.sort((a, b) => a[0] - b[0])[0];
}"""


def test_narrow_window_has_all_parts_and_no_sideways_scroll(visit, shop_page):
    tab = visit(f"{shop_page.as_uri()}#sales.amount", viewport={"width": 380, "height": 760})
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 380
    for part in ("#canvas", "#details", "#theme"):
        assert tab.page.locator(part).bounding_box()["height"] > 20
    tab.page.get_by_role("button", name="Close details").click()
    tab.page.get_by_role("button", name="Close details").click()
    assert tab.page.locator("#search").is_visible()


def test_two_thousand_datasets_open_soon_and_are_searched_and_followed(visit, large_page):
    tab = visit(large_page.as_uri())
    # Far above what bench/page.py measures: the machine of a test may be busy.
    assert tab.page.evaluate("performance.getEntriesByName('drawn')[0].startTime") < 8000
    tab.page.locator("#search").fill("00900")
    tab.page.keyboard.press("Enter")
    assert tab.selected() == "v_dataset_00900"
    tab.page.locator("[data-column=c3]").click()
    assert re.search(r"comes from \d{2,}reaches \d{2,}", tab.lit())
    tab.page.locator("#collapse").click()
    assert tab.page.locator("[aria-expanded=true]").count() == 0
    assert tab.complaints == []
