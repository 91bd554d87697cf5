"""docs/cpg.md names every dataset of the project, and no other."""

import re

from cpgbuild import api
from tests.cpg.graphs import ROOT


def test_the_page_has_a_line_for_each_dataset():
    page = (ROOT / "docs" / "cpg.md").read_text()
    section = page.partition("## Every dataset in a line")[2].partition("\n## ")[0]
    first_cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    named = {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)}
    with api.opened(ROOT) as workspace:
        datasets = {task.dataset for task in workspace.graph.tasks.values()}
    assert named == datasets
