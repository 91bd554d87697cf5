"""Trace: the record of one good run of a task (a verifying trace).

A trace says: *with this plan and these inputs, the task wrote this output*. It is committed
together with the output, so a crash can lose both but never leave a trace that lies.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cpgbuild.core.check import Passed
from cpgbuild.core.evidence import Columns, Evidence, Stamp
from cpgbuild.core.fingerprint import UNKNOWN, Fingerprint

if TYPE_CHECKING:
    from cpgbuild.core.schema import Schema

FORMAT = 2


@dataclass(frozen=True, slots=True)
class Trace:
    """What a task saw and what it made; `seconds` and `rows` are for estimates and reports.

    `plan` is of all that the task evaluates, `query` of the task's own query alone, and `views`
    of each view that it reads, so that a plan that changed can be told from a view that did.
    `engine` ran it. `reads` has what holds rows: sources and outputs, also those behind views. The
    version that `wrote` names is the data fingerprint of all columns; `data` has those of what
    readers require. `checked` has the checks that these rows passed, by title.
    """

    task: str
    plan: Fingerprint
    reads: dict[str, Stamp]
    wrote: Stamp
    data: dict[Columns, Fingerprint] = field(default_factory=dict)
    query: Fingerprint = UNKNOWN
    views: dict[str, Fingerprint] = field(default_factory=dict)
    engine: str = ""
    rows: int = 0
    seconds: float = 0.0
    finished: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    checked: dict[str, Passed] = field(default_factory=dict)

    @property
    def is_of_view(self) -> bool:
        """Whether it is no run's, but says how a view was defined."""
        return self.wrote.version == self.plan

    def evidence(self, schema: Schema) -> Evidence:
        """Return what the output is where it holds what this run wrote; its schema is `schema`."""
        return Evidence(schema, self.wrote.version, self.data)

    @property
    def mark(self) -> str:
        """What stands for the run that a trace is of, and for what is known of its inputs."""
        known = sorted(f"{name} {stamp.version}" for name, stamp in self.reads.items())
        known += sorted(f"{title} {one.plan}" for title, one in self.checked.items())
        return " ".join((self.plan, self.query, self.wrote.version, self.finished, *known))

    def to_json(self) -> str:
        """Return the trace as one line of JSON, with the version of its format."""
        return json.dumps(
            {
                "v": FORMAT,
                "task": self.task,
                "plan": self.plan,
                "query": self.query,
                "views": dict(sorted(self.views.items())),
                "engine": self.engine,
                "reads": {n: _pair(s) for n, s in sorted(self.reads.items())},
                "wrote": _pair(self.wrote),
                "data": [[list(columns), data] for columns, data in sorted(self.data.items())],
                "rows": self.rows,
                "seconds": round(self.seconds, 6),
                "finished": self.finished,
                "facts": self.facts,
            }
            | ({"checked": _checked_record(self.checked)} if self.checked else {}),
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> Trace | None:
        """Return the trace in `text`; None where it is no trace of a format known here."""
        try:
            record: dict[str, Any] = json.loads(text)
            if record["v"] != FORMAT:
                return None
            return cls(
                task=record["task"],
                plan=Fingerprint(record["plan"]),
                reads={name: _stamp(pair) for name, pair in record["reads"].items()},
                wrote=_stamp(record["wrote"]),
                data={tuple(columns): Fingerprint(data) for columns, data in record["data"]},
                query=Fingerprint(record["query"]),
                views={name: Fingerprint(plan) for name, plan in record["views"].items()},
                engine=record["engine"],
                rows=record["rows"],
                seconds=record["seconds"],
                finished=record["finished"],
                facts=record["facts"],
                checked={n: _passed(one) for n, one in record.get("checked", {}).items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


def _checked_record(checked: dict[str, Passed]) -> dict[str, list[Any]]:
    return {
        title: [one.plan, {name: _pair(stamp) for name, stamp in sorted(one.reads.items())}]
        for title, one in sorted(checked.items())
    }


def _passed(record: list[Any]) -> Passed:
    plan, reads = record
    return Passed(Fingerprint(plan), {name: _stamp(pair) for name, pair in reads.items()})


def _pair(stamp: Stamp) -> list[str | None]:
    return [stamp.schema, stamp.version, stamp.data]


def _stamp(parts: list[str]) -> Stamp:
    schema, version, data = parts
    return Stamp(Fingerprint(schema), Fingerprint(version), Fingerprint(data) if data else None)
