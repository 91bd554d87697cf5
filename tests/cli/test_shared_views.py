"""What is said of views that are evaluated once for all tables that read them."""

import pytest

from cpgbuild.core import sharing
from tests.support.commands import run_here

VIEW = "select customer_id, sum(amount) as amount, count(*) as orders from orders group by 1\n"
HEAD = '-- cpgbuild: kind = "compute"\n'


@pytest.fixture
def shared(project, monkeypatch):
    """The shop with a view that two more tables read; whatever it costs."""
    monkeypatch.setattr(sharing, "LEAST", -1.0)
    project.write("tasks/per_customer.sql", VIEW)
    project.write("tasks/most.sql", f"{HEAD}select max(amount) as amount from per_customer\n")
    project.write("tasks/often.sql", f"{HEAD}select max(orders) as orders from per_customer\n")
    return project


def test_plan_tells_which_views_are_evaluated_once(shared, says):
    assert says("plan --target most --target often --verbose", shared.root).code == 0


def test_build_tells_of_them(shared):
    said = run_here("build", "--verbose", "--target", "most", folder=shared.root)
    assert "shared" not in said.stdout
    run = run_here("build", "--verbose", "--force", "most", "--force", "often", folder=shared.root)
    (line,) = (line for line in run.stdout.splitlines() if line.startswith("shared"))
    assert "view.per_customer" in line
    assert "3 rows" in line
    assert line.endswith("evaluated once for 2 readings")
    quiet = run_here("build", "--force", "most", "--force", "often", folder=shared.root)
    assert "shared" not in quiet.stdout


def test_scripts_are_told(shared):
    planned = run_here("plan", "--json", folder=shared.root).events("planned")
    once = {record["task"]: record["once"] for record in planned if "once" in record}
    assert once == {"view.per_customer": {"readings": 2, "saves": 0.0}}
    ended = run_here("build", "--json", folder=shared.root)
    (event,) = ended.events("shared")
    assert (event["task"], event["readings"], event["rows"]) == ("view.per_customer", 2, 3)
    assert event["seconds"] >= 0
    assert ended.records[-1]["built"] == 6
