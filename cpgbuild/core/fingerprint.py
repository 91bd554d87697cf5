"""Fingerprint: a stable digest that is equal across processes and machines."""

from __future__ import annotations

import hashlib
from typing import NewType

Fingerprint = NewType("Fingerprint", str)

# What stands where nothing is known yet; no digest is empty.
UNKNOWN = Fingerprint("")


def fingerprint(*parts: str | bytes) -> Fingerprint:
    """Return the sha256, in hex, of `parts` with their lengths (so that no two lists collide)."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return Fingerprint(digest.hexdigest())
