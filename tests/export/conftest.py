"""Fixtures of the page's tests: the page of a project, open in a real browser."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from cpgbuild import api
from cpgbuild.cli.wording import reasons_text
from cpgbuild.export.page import page
from cpgbuild.export.page_document import Wanted
from cpgbuild.export.page_making import PageMaker
from tests.support.browser import chromium, what_is_missing
from tests.support.projects import ProjectFolder, shop

if TYPE_CHECKING:
    from pathlib import Path

NOTES = '''
    import ibis
    from cpgbuild import Catalog, view


    @view(tags=["odd", "texts"])
    def v_odd(catalog: Catalog) -> ibis.Table:
        """</script><script>window.hurt = 1</script><img src=x onerror="window.hurt = 1"> & {{script}}"""
        top = catalog.table("top")
        return top.mutate(name=top.name + "<!--<script>", more=ibis.literal("</style>"))
'''


@dataclass
class Tab:
    """A page of a browser, with all that it complained about and asked for."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def selected(self) -> str:
        """Return the dataset whose details are shown."""
        title = self.page.locator("#details-title")
        return title.text_content() if title.count() else ""

    def lit(self) -> str:
        """Return what the bar above the graph says of the column that is followed."""
        bar = self.page.locator("#trail")
        return bar.text_content() if bar.is_visible() else ""

    def focused(self) -> str:
        """Return the id of the element that has the focus, or what it says."""
        return self.page.evaluate(
            "document.activeElement.id || document.activeElement.getAttribute('aria-label')"
        )

    def listed(self) -> list[str]:
        """Return the datasets in the list, as far as they are to be seen."""
        items = self.page.locator("#tree [data-dataset]")
        return [item.locator(".name").text_content() for item in items.all() if item.is_visible()]

    def pixels(self) -> str:
        """Return the graph as it is drawn."""
        return self.page.evaluate("document.getElementById('canvas').toDataURL()")


@pytest.fixture
def project(tmp_path) -> ProjectFolder:
    """The shop, to be edited."""
    return shop(tmp_path)


@pytest.fixture(scope="module")
def browser():
    # No longer than a module: Playwright's event loop runs in this thread as long as it is open.
    if missing := what_is_missing():
        pytest.skip(missing)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def visit(browser):
    """Open an address in a tab of its own."""
    contexts = []

    def opened(address: str, **options: Any) -> Tab:
        context = browser.new_context(**({"viewport": {"width": 1300, "height": 800}} | options))
        contexts.append(context)
        tab = Tab(context.new_page())
        tab.page.on("console", lambda said: tab.complaints.append(said.text))
        tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
        tab.page.on("request", lambda asked: tab.requests.append(asked.url))
        tab.page.goto(address)
        return tab

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def shop_folder(tmp_path_factory):
    """The shop, built, with a view whose texts are made to break a page."""
    project = shop(tmp_path_factory.mktemp("page") / "")
    project.write("tasks/notes/odd.py", NOTES)
    api.build(project.root)
    return project.root


@pytest.fixture(scope="session")
def shop_page(shop_folder) -> Path:
    made = PageMaker(shop_folder, Wanted(reasons_text, preview=2)).make()
    path = shop_folder / "page.html"
    path.write_text(made.html, encoding="utf-8")
    return path


@pytest.fixture
def tab(visit, shop_page) -> Tab:
    return visit(shop_page.as_uri())


@pytest.fixture(scope="session")
def large_page(tmp_path_factory) -> Path:
    from tests.support.page_documents import large_document

    path = tmp_path_factory.mktemp("large") / "page.html"
    path.write_text(page(large_document(2000)), encoding="utf-8")
    return path
