"""What files hold: a stamp stands for a content only where no other content could have it."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from cpgbuild.core.filestamp import GRAIN
from cpgbuild.project import contents
from cpgbuild.project.contents import UNSURE, Contents


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.sql"
    path.write_text("select 1")
    return path


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is there is old when it is looked at."""
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 2 * GRAIN)


@pytest.fixture
def grain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was written lately has one stamp, as where the clock's grain is coarse."""
    now = time.time_ns()
    monkeypatch.setattr(contents, "stamp", lambda status: (status.st_size, now, now, 1))


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def kept(file: Path) -> dict[str, tuple[str, str]]:
    """Return what is known of a file once it was looked at."""
    return {str(file): Contents().stamped(str(file))}


@pytest.mark.usefixtures("late")
def test_what_is_old_is_known_by_its_stamp(file: Path) -> None:
    stamp, found = kept(file)[str(file)]
    assert found == digest("select 1")
    known = Contents({str(file): (stamp, "what it held")})
    assert known.digest(str(file)) == "what it held"
    assert known.is_known(str(file))


@pytest.mark.usefixtures("late")
def test_another_stamp_is_looked_into(file: Path) -> None:
    known = kept(file)
    old = file.stat()
    file.write_text("select 2")
    os.utime(file, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert Contents(known).digest(str(file)) == digest("select 2")
    assert not Contents(known).is_known(str(file))


@pytest.mark.usefixtures("grain")
def test_what_is_young_is_looked_into_whatever_its_stamp_is(file: Path) -> None:
    known = kept(file)
    assert known == {str(file): (UNSURE, digest("select 1"))}
    assert Contents(known).is_known(str(file))
    file.write_text("select 2")
    assert Contents(known).digest(str(file)) == digest("select 2")
    assert not Contents(known).is_known(str(file))


def test_what_is_not_there_holds_nothing_and_is_never_known(file: Path) -> None:
    known = kept(file)
    file.unlink()
    assert Contents(known).stamped(str(file)) == (UNSURE, "")
    assert not Contents(known).is_known(str(file))
    assert not Contents(kept(file)).is_known(str(file))


def test_what_was_read_is_what_its_digest_is_of(file: Path) -> None:
    """Somebody may write it between two looks; what was planned is what was read."""
    found = Contents()
    assert found.read(str(file)) == b"select 1"
    file.write_text("select 2")
    assert found.digest(str(file)) == digest("select 1")
