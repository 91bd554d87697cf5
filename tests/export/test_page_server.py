"""The page as it is served: kept fresh, for this machine alone, until Ctrl-C."""

import json
import signal
import socket
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

from cpgbuild import api
from tests.support.commands import start


@contextmanager
def listening(folder, seconds=60):
    """Serve a project's page and listen to it; gives its address, the process and the events."""
    with (
        serving(folder) as (address, process),
        urllib.request.urlopen(f"{address}changes", timeout=seconds) as stream,
    ):
        told = events(stream)
        assert next(told) == ("version", "1")
        yield address, process, told


@contextmanager
def serving(folder, *arguments):
    """Serve a project's page; gives its address and the process."""
    process = start("docs", "--serve", "--port", "0", "--json", *arguments, folder=folder)
    try:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        yield json.loads(line)["place"], process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def events(stream):
    """Give the events of a stream, as (name, data)."""
    name = ""
    for line in stream:
        word, _, rest = line.decode().strip().partition(": ")
        if word == "event":
            name = rest
        elif word == "data":
            yield name, rest


@pytest.fixture
def built(project):
    api.build(project.root)
    return project


def test_page_is_made_again_when_a_task_changes_and_says_what_is_wrong(built):
    with listening(built.root) as (address, _, told):
        built.edit("tasks/sales.py", "What each customer spent.", "What was spent by each.")
        assert next(told) == ("version", "2")
        assert b"What was spent by each." in urllib.request.urlopen(address).read()
        built.edit("tasks/sales.py", "import ibis", "import ibis, (")
        name, text = next(told)
        assert name == "trouble"
        assert "error[E106]" in json.loads(text)
        assert b"What was spent by each." in urllib.request.urlopen(address).read()
        built.edit("tasks/sales.py", "import ibis, (", "import ibis")
        assert next(told) == ("version", "3")


@pytest.mark.parametrize("what", ["build", "source", "configuration"])
def test_page_is_made_again_when_state_data_or_configuration_change(built, what):
    with listening(built.root) as (_, _, told):
        if what == "build":
            api.build(built.root, force=["sales"])
        elif what == "source":
            built.append("data/customers.csv", "4,flo\n")
        else:
            built.edit("cpgbuild.toml", 'name = "shop"', 'name = "shoppe"')
        assert next(told)[0] == "version"


def test_page_tells_of_a_build_that_failed(built):
    # By a plan that it knows already, so that nothing but the failure is new.
    built.edit("tasks/sales.py", "orders.amount.sum()", '(orders.amount.sum()*99).cast("int8")')
    with listening(built.root) as (address, _, told):
        api.build(built.root)
        assert next(told)[0] == "version"
        shown = urllib.request.urlopen(address).read().decode()
        while '"event":"failed"' not in shown:
            next(told)
            shown = urllib.request.urlopen(address).read().decode()


def test_nothing_is_made_again_while_nothing_changes(built):
    with listening(built.root, 3) as (_, _, told), pytest.raises(TimeoutError):
        next(told)


def test_only_this_machine_is_answered(built):
    with serving(built.root) as (address, _):
        assert address.startswith("http://127.0.0.1:")
        foreign = urllib.request.Request(address, headers={"Host": "example.org"})
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(foreign)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{address}cpgbuild.toml")


def test_ctrl_c_ends_it_cleanly_even_with_a_page_open(built):
    with listening(built.root, 20) as (address, process, _):
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert json.loads(out.splitlines()[-1])["event"] == "summary"
    assert err == ""
    with socket.socket() as probe:
        port = int(address.rstrip("/").rpartition(":")[2])
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_open_page_loads_itself_anew_and_stays_where_it_was(built, visit):
    with serving(built.root) as (address, process):
        tab = visit(f"{address}#sales")
        assert tab.selected() == "sales"
        built.edit("tasks/sales.py", "What each customer spent.", "What was spent by each.")
        tab.page.get_by_text("What was spent by each.").first.wait_for(timeout=20_000)
        assert tab.selected() == "sales"
        built.edit("tasks/sales.py", "import ibis", "import ibis, (")
        tab.page.locator("#notice", has_text="error[E106]").wait_for(timeout=20_000)
        assert tab.complaints == []
        assert {url.partition("#")[0] for url in tab.requests} == {address, f"{address}changes"}
        process.kill()
        tab.page.locator("#notice", has_text="has ended").wait_for(timeout=20_000)
