"""Page: a project as one HTML file that needs nothing else, and asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cpgbuild.export.page_document import PageDocument

_ASSETS = files("cpgbuild.export") / "page_assets"
# In the order in which the ones need the others; https://d3js.org, its licence is in the folder.
_LIBRARIES = ("color", "dispatch", "ease", "interpolate", "selection", "timer", "drag")
_SCRIPTS = ("layout", "lineage", "scene", "drawing", "tree", "details", "keys", "living", "page")
_MARK = re.compile(r"\{\{(\w+)\}\}")


def page(document: PageDocument, version: int = 0) -> str:
    """Return the page as HTML.

    With a version, which counts from 1, it is one that is served: it asks its server, and nobody
    else, for a newer one. Its own script and style are allowed by their digests, nothing else is,
    so that whatever stands in a project's texts is text.
    """
    script, style = _script(), _read("page.css")
    policy = {
        "default-src": "'none'",
        "script-src": _digest(script),
        "style-src": _digest(style),
        "img-src": "data:",
        "connect-src": "'self'" if version else "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return _filled(
        _read("page.html"),
        {
            "policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
            "title": html.escape(document["project"]),
            "version": str(version),
            "style": style,
            "document": _json(document),
            "script": script,
        },
    )


def _script() -> str:
    libraries = [_read(f"d3/d3-{name}.min.js") for name in (*_LIBRARIES, "transition", "zoom")]
    licence = f"/*\n{_read('d3/LICENSE')}*/"
    own = "\n".join(_read(f"{name}.js") for name in _SCRIPTS)
    return "\n".join([licence, *libraries, '(() => {\n"use strict";', own, "})();\n"])


def _json(document: PageDocument) -> str:
    """Return JSON that cannot end the element that it stands in, nor begin a comment there."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _digest(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _read(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _filled(template: str, values: Mapping[str, str]) -> str:
    """Return the template with what each mark stands for; what stands in a value is no mark."""
    return _MARK.sub(lambda mark: values[mark[1]], template)
