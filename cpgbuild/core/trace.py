"""Trace: the record of one good run of a task (a verifying trace).

A trace says: *with this plan and these inputs, the task wrote this output*. It is committed
together with the output, so a crash can lose both but never leave a trace that lies.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from cpgbuild.core.evidence import Stamp
from cpgbuild.core.fingerprint import Fingerprint

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Trace:
    """What a task saw and what it made; `seconds` and `rows` are for estimates and reports."""

    task: str
    plan: Fingerprint
    reads: dict[str, Stamp]
    wrote: Stamp
    rows: int = 0
    seconds: float = 0.0
    finished: str = ""
    facts: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the trace as one line of JSON, with the version of its format."""
        return json.dumps(
            {
                "v": FORMAT,
                "task": self.task,
                "plan": self.plan,
                "reads": {n: [s.schema, s.data] for n, s in sorted(self.reads.items())},
                "wrote": [self.wrote.schema, self.wrote.data],
                "rows": self.rows,
                "seconds": round(self.seconds, 6),
                "finished": self.finished,
                "facts": self.facts,
            },
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
                rows=record["rows"],
                seconds=record["seconds"],
                finished=record["finished"],
                facts=record["facts"],
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


def _stamp(pair: list[str]) -> Stamp:
    schema, data = pair
    return Stamp(Fingerprint(schema), Fingerprint(data))
