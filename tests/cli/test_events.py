"""`docs/events.schema.json` has what `--json` prints: each record, and no event that none prints."""

import json
import os
import shlex
import signal
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from cpgbuild.core import sharing
from tests.cli.test_every_command import CASES
from tests.support.commands import COMMAND, REPOSITORY, environment, run_here
from tests.support.commits import commit

SCHEMA = json.loads((REPOSITORY / "docs/events.schema.json").read_text("utf-8"))
EVENTS = [each["$ref"].rpartition("/")[2] for each in SCHEMA["oneOf"]]
PER_CUSTOMER = "SELECT customer, sum(amount) AS amount FROM orders GROUP BY 1\n"
HEAD = '-- cpgbuild: kind = "compute"\n'


class Shop:
    """A new project, and all that was printed of it."""

    def __init__(self, root: Path) -> None:
        assert run_here("init", folder=root).code == 0
        self.root = root
        self.printed: list[tuple[str, dict]] = []

    def ask(self, line: str, code: int = 0) -> list[dict]:
        """Ask under `--json`, and return the records."""
        ended = run_here(*shlex.split(line), "--json", folder=self.root)
        assert (ended.code, ended.stderr) == (code, ""), ended.stdout
        self.take(line, ended.stdout)
        return ended.records

    def take(self, line: str, stdout: str) -> None:
        self.printed += [(line, json.loads(text)) for text in stdout.splitlines()]

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.root / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def write(self, path: str, text: str) -> None:
        (self.root / path).write_text(text)


def asked_once(shop: Shop, new: Path) -> None:
    """Ask every command once, rightly and wrongly."""
    shop.ask("build")
    for number, case in enumerate(case for case in CASES if case.as_json):
        folder = new / str(number)
        folder.mkdir()
        words = [word for word in case.words(folder) if word not in {"-f", "csv", "yaml"}]
        code = 0 if words == ["show", "v_orders"] else case.code
        shop.ask(shlex.join(words), code=2 if case.line.startswith("diff sales") else code)


def changed_in_all_ways(shop: Shop) -> None:
    """Let rows, queries, checks and names change, and look what is said of it."""
    orders = (shop.root / "data/orders.csv").read_text()
    commit(shop.root)
    shop.edit("data/orders.csv", "fr,12.25", "nz,99.50")
    shop.edit("data/orders.csv", "uk,20.00", "uk,21.00")
    shop.ask("build")
    shop.ask("diff sales_by_country")
    shop.ask("diff sales_by_country --key country")
    shop.ask("history sales_by_country")
    shop.write("data/orders.csv", orders)
    shop.ask("plan")
    shop.ask("build")
    shop.ask("clean --keep 1 --hours 0 --yes")
    shop.edit("tasks/best_country.sql", "SELECT country, amount", "SELECT amount")
    shop.ask("plan --locked", code=3)
    shop.ask("why best_country")
    shop.ask("impact --since HEAD")
    shop.edit("tasks/best_country.sql", "SELECT amount", "SELECT CAST(country AS INT) AS n, amount")
    shop.write("tasks/last.sql", f"{HEAD}SELECT n FROM best_country\n")
    shop.ask("build", code=1)
    shop.edit("tasks/best_country.sql", "CAST(country AS INT) AS n", "country")
    shop.write("tasks/last.sql", '-- cpgbuild: inputs = ["orders"]\nSELECT 1 AS n\n')
    shop.ask("check")
    shop.edit("data/orders.csv", "country", "land")
    shop.edit("tasks/sales.py", '"country"', '"land"')
    shop.edit("tasks/best_country.sql", "country,", "land,")
    shop.ask("impact --since HEAD")


def shared_by_many(shop: Shop) -> None:
    """Let two tables read one view."""
    shop.write("tasks/per_customer.sql", PER_CUSTOMER)
    for name in ("most", "least"):
        function = {"most": "max", "least": "min"}[name]
        text = f"{HEAD}SELECT {function}(amount) AS amount FROM per_customer\n"
        shop.write(f"tasks/{name}.sql", text)
    shop.ask("build")
    shop.ask("plan --force most --force least")
    shop.ask("build --force most --force least")


def watched(shop: Shop) -> None:
    """Watch it, and change a file."""
    with subprocess.Popen(
        [*COMMAND, "watch", "--json"],
        cwd=shop.root,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        while text := process.stdout.readline():
            shop.take("watch", text)
            if shop.printed[-1][1]["event"] == "summary":
                shop.write("tasks/last.sql", "SELECT 2 AS n\n")
            if shop.printed[-1][1]["event"] == "changed":
                os.killpg(process.pid, signal.SIGINT)
                break
        process.wait(60)


@pytest.fixture
def printed(tmp_path, monkeypatch):
    """All that a project's life printed."""
    monkeypatch.setattr(sharing, "LEAST", -1.0)
    for folder in ("shop", "new"):
        (tmp_path / folder).mkdir()
    shop = Shop(tmp_path / "shop")
    asked_once(shop, tmp_path / "new")
    changed_in_all_ways(shop)
    shared_by_many(shop)
    watched(shop)
    return shop.printed


def test_every_record_is_as_the_schema_says_and_every_event_is_printed(printed):
    Draft202012Validator.check_schema(SCHEMA)
    for line, record in printed:
        assert record["event"] in EVENTS, (line, record)
        one = {"$ref": f"#/$defs/{record['event']}", "$defs": SCHEMA["$defs"]}
        faults = [each.message for each in Draft202012Validator(one).iter_errors(record)]
        assert not faults, (line, record)
    assert {record["event"] for _, record in printed} == set(EVENTS)


def test_a_record_that_the_schema_does_not_know_is_refused():
    record = {"v": 1, "event": "page", "place": "page.html", "datasets": 3}
    assert Draft202012Validator(SCHEMA).is_valid(record)
    for wrong in ({"v": 2}, {"event": "pages"}, {"datasets": "3"}, {"more": 1}):
        assert not Draft202012Validator(SCHEMA).is_valid(record | wrong)
