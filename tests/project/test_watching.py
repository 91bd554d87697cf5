"""What a module of tasks looks at while it is evaluated: it is evaluated again when that changes."""

from __future__ import annotations

import os
import py_compile
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cpgbuild.cli.quick import answered
from tests.engine.builds import Site, site
from tests.support.plans import evaluated as evaluated_in
from tests.support.projects import ProjectFolder

HERE = "Path(__file__).parents[1]"
IMPORTS = "import os\nfrom pathlib import Path\n"

# What a module does, and an edit after which that may come to something else.
LOOKS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "its own text": (
        "N = 1",
        lambda root: (root / "tasks/m.py").write_text(
            (root / "tasks/m.py").read_text().replace("N = 1", "N = 2")
        ),
    ),
    "a helper": ("from lib.near import N", lambda root: append(root / "lib/near.py")),
    "a helper's helper": ("from lib.near import N", lambda root: append(root / "lib/deep.py")),
    "a helper's file": ("from lib.near import N", lambda root: append(root / "lib/n.txt")),
    "a helper that a function imports": (
        "def late():\n    from lib.late import N\n    return N",
        lambda root: append(root / "lib/late.py"),
    ),
    "a package that comes before a helper": (
        "from lib.near import N",
        lambda root: write(root / "lib/near/__init__.py", "N = 2"),
    ),
    "a module that comes before Python's own": (
        "import textwrap\nN = 1",
        lambda root: write(root / "textwrap.py", "N = 2"),
    ),
    "a file": (f"N = int(({HERE} / 'lib/n.txt').read_text())", lambda r: append(r / "lib/n.txt")),
    "a file that is opened": (
        f"with open({HERE} / 'lib/n.txt') as file:\n    N = len(file.read())",
        lambda root: append(root / "lib/n.txt"),
    ),
    "a file that is read to be written": (
        f"with open({HERE} / 'lib/n.txt', 'r+') as file:\n    N = len(file.read())",
        lambda root: append(root / "lib/n.txt"),
    ),
    "a file below the working directory": (
        "N = int(Path('lib/n.txt').read_text())",
        lambda root: [write(root / "lib/lib/n.txt", "22"), os.chdir(root / "lib")],
    ),
    "whether a file is there": (
        f"N = int(({HERE} / 'flag').exists())",
        lambda root: write(root / "flag", ""),
    ),
    "whether a file is there, asked of os": (
        f"N = int(os.path.isfile({HERE} / 'flag'))",
        lambda root: write(root / "flag", ""),
    ),
    "a file's size": (
        f"N = os.stat({HERE} / 'lib/n.txt').st_size",
        lambda r: append(r / "lib/n.txt"),
    ),
    "whether a file may be read": (
        f"N = int(os.access({HERE} / 'flag', os.R_OK))",
        lambda root: write(root / "flag", ""),
    ),
    "a folder's files": (f"N = len(os.listdir({HERE} / 'lib'))", lambda r: write(r / "lib/x", "")),
    "a folder's files, by a glob": (
        f"N = len(list(({HERE} / 'lib').glob('*.txt')))",
        lambda root: write(root / "lib/x.txt", ""),
    ),
    "the names of a folder's files": (
        f"N = len(''.join(os.listdir({HERE} / 'lib')))",
        lambda root: (root / "lib/late.py").rename(root / "lib/later.py"),
    ),
    "what is in a folder, and how large it is": (
        f"N = sum(e.stat().st_size for e in os.scandir({HERE} / 'lib') if e.is_file())",
        lambda root: append(root / "lib/n.txt"),
    ),
    "which of a folder's entries are folders": (
        f"N = sum(e.is_dir() for e in os.scandir({HERE} / 'lib'))",
        lambda root: [(root / "flags").mkdir(), (root / "flags").rename(root / "lib/folder")],
    ),
    "where a link to nothing leads": (
        f"N = len(os.readlink({HERE} / 'nowhere'))",
        lambda r: relink(r, "not there", "nowhere"),
    ),
    "whether there is a link to nothing": (
        f"N = int(os.path.islink({HERE} / 'nowhere'))",
        lambda root: (root / "nowhere").unlink(),
    ),
    "where a link leads": (
        f"N = len(os.readlink({HERE} / 'link'))",
        lambda r: relink(r, "lib/deep.py"),
    ),
    "a variable": ("N = int(os.environ['WATCHED'])", lambda _: set_variable("2")),
    "a variable that may be there": (
        "N = int(os.getenv('WATCHED', '0'))",
        lambda _: set_variable(""),
    ),
    "whether there is a variable": ("N = 'WATCHED' in os.environ", lambda _: set_variable(None)),
    "all variables": ("N = len(dict(os.environ))", lambda _: set_variable(None)),
    "the working directory": ("N = len(os.getcwd())", lambda root: os.chdir(root / "lib")),
}
# What no one can know to be the same.
UNKNOWN = {
    "the clock": "import time\nN = time.time()",
    "the day of the year": "import time\nN = time.localtime().tm_yday",
    "a clock of this process": "import time\nN = time.perf_counter_ns()",
    "the moment, as pandas says it": "import pandas as pd\nN = pd.Timestamp('now').day",
    "a hash of a text": "N = hash('x')",
    "the name of the machine": "import socket\nN = len(socket.gethostname())",
    "who the user is": "N = os.getuid()",
    "the date": "from datetime import date\nN = date.today().day",
    "chance": "import random\nN = random.random()",
    "an id": "import uuid\nN = uuid.uuid4().int % 9",
    "another process": "import subprocess\nN = len(subprocess.check_output(['true']))",
    "a file that Arrow reads": (
        f"import pyarrow.parquet as pq\nN = pq.read_table({HERE} / 'data/s.parquet').num_rows"
    ),
    "a file that pandas reads": (
        f"import pandas as pd\nN = len(pd.read_parquet({HERE} / 'data/s.parquet'))"
    ),
    "a file that another library may read": "import deltalake\nN = 1",
    "code that is made up": "N = eval('1')",
    "a module by its name": "import importlib\nN = importlib.import_module('lib.near').N",
    "a helper that is changed from outside": "import lib.near\nlib.near.N = 3\nN = 1",
    "a list of a helper's that grows": "import lib.near\nlib.near.ALL.append(1)\nN = 1",
}


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def append(path: Path) -> None:
    # A number goes on, and a module gets a comment.
    with path.open("a") as file:
        file.write("1" if path.suffix == ".txt" else "# more\n")


def relink(root: Path, target: str, link: str = "link") -> None:
    (root / link).unlink()
    (root / link).symlink_to(target)


def set_variable(value: str | None) -> None:
    os.environ.pop("WATCHED", None)
    if value is not None:
        os.environ["WATCHED"] = value or "1"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A table of SQL, and helpers; the module of tasks is each test's own."""
    monkeypatch.setenv("WATCHED", "11")
    monkeypatch.chdir(tmp_path)
    found = site(tmp_path, "s parquet data/s.parquet")
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table({"n": [1]}), tmp_path / "data/s.parquet")
    write(tmp_path / "lib/n.txt", "1")
    (tmp_path / "link").symlink_to("lib/n.txt")
    (tmp_path / "nowhere").symlink_to("gone")
    near = "from pathlib import Path\nfrom lib.deep import D\nALL = []\n"
    near += "N = len((Path(__file__).parent / 'n.txt').read_text()) + D\n"
    write(tmp_path / "lib/near.py", near)
    write(tmp_path / "lib/deep.py", "D = 1\n")
    write(tmp_path / "lib/late.py", "N = 1\n")
    found.sql("t", "select n from s")
    return found


def module(made: Site, text: str) -> None:
    body = "@compute\ndef v(catalog: Catalog):\n    return catalog.table('s').mutate(m=int(N))\n"
    if "def late" in text:
        body = body.replace("int(N)", "late()")
    other = "\n@compute\ndef other(catalog: Catalog):\n    return catalog.table('s')\n"
    made.python("other", other)
    path = made.folder.write("tasks/m.py", "")
    path.write_text(f"{IMPORTS}from cpgbuild import Catalog, compute\n{text}\n{body}")


def evaluated(made: Site) -> set[str]:
    """Return the tasks that a plan evaluates."""
    return evaluated_in(made.root)


def quick(made: Site) -> bool:
    return answered(["plan", "-C", str(made.root)])


@pytest.mark.parametrize("what", LOOKS)
def test_a_module_is_evaluated_again_when_what_it_looked_at_is_another(
    made: Site, what: str
) -> None:
    text, edit = LOOKS[what]
    module(made, text)
    assert evaluated(made) == {"t", "v", "other"}
    assert evaluated(made) == set()
    made.built()
    # Of all variables, this process' own among them, nobody answers in advance.
    assert quick(made) == (what != "all variables")
    edit(made.root)
    assert not quick(made)
    assert evaluated(made) == {"v"}
    assert evaluated(made) == set()


@pytest.mark.parametrize("what", UNKNOWN)
def test_what_cannot_be_known_is_evaluated_each_time(made: Site, what: str) -> None:
    module(made, UNKNOWN[what])
    assert evaluated(made) == {"t", "v", "other"}
    assert evaluated(made) == {"v"}
    made.built()
    assert not quick(made)
    assert evaluated(made) == {"v"}


def test_a_file_that_is_there_again_is_known_again(made: Site) -> None:
    module(made, f"N = int(({HERE} / 'flag').exists())")
    evaluated(made)
    write(made.root / "flag", "")
    assert evaluated(made) == {"v"}
    (made.root / "flag").unlink()
    assert evaluated(made) == {"v"}


def test_a_text_of_the_same_size_and_second_is_another_text(made: Site) -> None:
    """Python would take its file of byte code for that of the new text."""
    module(made, "from lib.deep import D as N")
    made.built()
    deep = made.root / "lib/deep.py"
    old = deep.stat()
    deep.write_text("D = 7\n")
    os.utime(deep, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert evaluated(made) == {"v"}
    assert made.built() == {"v": ["plan_changed v"]}


def test_byte_code_that_somebody_else_left_is_not_taken_for_the_text(made: Site) -> None:
    module(made, "from lib.deep import D as N")
    deep = made.root / "lib/deep.py"
    py_compile.compile(str(deep))
    made.built()
    old = deep.stat()
    deep.write_text("D = 7\n")
    os.utime(deep, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert made.built() == {"v": ["plan_changed v"]}


def test_what_an_installed_module_looks_at_while_it_is_imported_is_not_the_importers(
    made: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = made.root / "site-packages"
    # Else Python would put it there, and something would have been installed meanwhile.
    (installed / "__pycache__").mkdir(parents=True)
    write(installed / "toml.py", "import time\nAT = time.time()\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(installed)])
    module(made, "import toml\nN = int(toml.AT > 0)")
    try:
        assert evaluated(made) == {"t", "v", "other"}
    finally:
        del sys.modules["toml"]
    assert evaluated(made) == set()


def test_a_project_that_is_moved_is_planned_from_nothing(made: Site, tmp_path: Path) -> None:
    module(made, "N = 1")
    evaluated(made)
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("tasks", "data", "lib", ".cpgbuild", "cpgbuild.toml"):
        (shutil.copytree if (tmp_path / name).is_dir() else shutil.copy)(
            tmp_path / name, moved / name
        )
    found = Site(ProjectFolder(moved))
    assert evaluated(found) == {"t", "v", "other"}
