"""Every command on this repository's own project: on terminals, without colour, in a pipe, as JSON.

`python tests/every.py [--warehouse FOLDER]` builds into a folder, asks everything, and exits with 1
where something is not as it should be. `--show` prints what a terminal of 80 columns shows.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from jsonschema import Draft202012Validator

from tests.support.commands import REPOSITORY, run
from tests.support.forks import Server
from tests.support.terminals import ESCAPE, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

# With the exit code, and whether lines may be wider than the terminal: files and paths are.
LINES = [
    ("plan {wh}", 0, False),
    ("plan -v {wh}", 0, False),
    ("plan --force cpg_nodes_delta+ {wh}", 0, False),
    ("plan --locked", 0, False),
    ("build {wh}", 0, False),
    ("build --force scip_spans {wh}", 0, False),
    ("why cpg_edges_delta {wh}", 0, False),
    ("why v_norm_spans {wh}", 0, False),
    ("why nothing {wh}", 2, False),
    ("ls {wh}", 0, False),
    ("ls 'cpg_*' tag:nodes {wh}", 0, False),
    ("show cpg_nodes_delta {wh}", 0, False),
    ("show v_norm_spans -n 3 --where \"kind = 'name'\" {wh}", 0, False),
    ("show repo_files --columns path,size -n 5 {wh}", 0, False),
    ("show cpg_nodes_delta --columns amout {wh}", 2, False),
    (
        "query 'SELECT kind, count(*) AS n FROM cpg_nodes_delta GROUP BY 1 ORDER BY 2' {wh}",
        0,
        False,
    ),
    ("query 'SELECT * FROM nothing' {wh}", 2, False),
    ("history {wh}", 0, False),
    ("history cpg_nodes_delta {wh}", 0, False),
    ("history v_norm_spans {wh}", 2, False),
    ("diff repo_files {wh}", 2, False),
    ("impact repo_files", 0, False),
    ("impact repo_files.path", 0, False),
    ("impact scip_spans.strat", 2, False),
    ("impact --since HEAD", 0, False),
    ("lineage cpg_edges_delta", 0, False),
    ("lineage v_modules.package", 0, False),
    ("lineage v_norm_ids.node_id -v", 0, False),
    ("lineage repo_files.path --down", 0, False),
    ("graph -f mermaid", 0, True),
    ("graph -f svg", 0, True),
    ("docs --out {new}/page.html {wh}", 0, True),
    ("check -v", 0, False),
    ("doctor {wh}", 0, False),
    ("clean --dry-run {wh}", 0, False),
    ("explain", 0, False),
    ("export hamilton --out {new}/generated_pipeline.py", 0, True),
]
NO_JSON = ("graph",)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--warehouse", type=Path)
    parser.add_argument("--show", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        new = Path(folder)
        warehouse = chosen.warehouse or new / "warehouse"
        built = run("build", "--warehouse", str(warehouse), folder=REPOSITORY)
        if built.code:
            sys.exit(built.stderr)
        server = Server(OPENBLAS_NUM_THREADS="1")
        faults = 0
        for text, code, wraps in LINES:
            line = text.format(wh=f"--warehouse {warehouse}", new=new)
            began = time.monotonic()
            for fault in _faults(shlex.split(line), code, server, wraps=wraps, show=chosen.show):
                faults += 1
                print(f"wrong    {line}: {fault}", flush=True)
            print(f"asked    {line}  {time.monotonic() - began:.1f} s", flush=True)
        server.close()
    print(f"{len(LINES)} command lines, {faults} faults")
    sys.exit(bool(faults))


def _faults(
    words: list[str], code: int, server: Server, *, wraps: bool, show: bool
) -> Iterator[str]:
    """Give what is wrong with the answer, wherever it is asked for."""
    for columns in (80, 200):
        ended = shown(server, *words, folder=REPOSITORY, columns=columns)
        if show and columns == 80:
            print(ended.text)
        yield from _wrong(ended.code, code, ended.text)
        if not wraps and ended.widest > columns:
            yield f"a line of {ended.widest} cells on a terminal of {columns}"
    plain = shown(server, *words, folder=REPOSITORY, columns=80, NO_COLOR="1")
    if ESCAPE.search(plain.sent):
        yield "an escape sequence with NO_COLOR"
    piped = run(*words, folder=REPOSITORY)
    yield from _wrong(piped.code, code, piped.stdout + piped.stderr)
    if ESCAPE.search(piped.stdout + piped.stderr):
        yield "an escape sequence in a pipe"
    if words[0] not in NO_JSON:
        asked = run(*words, "--json", folder=REPOSITORY)
        yield from _wrong(asked.code, code, asked.stderr)
        yield from _not_as_promised(asked.stdout)


def _wrong(code: int, expected: int, text: str) -> Iterator[str]:
    if code != expected:
        yield f"exit code {code}: {text}"
    if "Traceback" in text:
        yield "a traceback"


def _not_as_promised(stdout: str) -> Iterator[str]:
    """Give what is wrong with lines of JSON: each event's first fault is enough."""
    schema = json.loads((REPOSITORY / "docs/events.schema.json").read_text("utf-8"))
    records = [json.loads(line) for line in stdout.splitlines()]
    if not records or records[-1]["event"] != "summary":
        yield "no summary at the end"
    seen = set()
    for record in records:
        one = {"$ref": f"#/$defs/{record['event']}", "$defs": schema["$defs"]}
        for fault in Draft202012Validator(one).iter_errors(record):
            if (record["event"], fault.message) not in seen:
                seen.add((record["event"], fault.message))
                yield f"{record['event']}: {fault.message}"


if __name__ == "__main__":
    main()
