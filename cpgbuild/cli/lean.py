"""Lean: the commands as functions, in a process that does without pandas."""

from __future__ import annotations

import gc

from cpgbuild.plan.lazy_pandas import hide_pandas

# Importing DataFusion makes the first value of Arrow.
hide_pandas()
# Plans are many small objects that stay: to look for garbage among them again and again takes a
# tenth of the time.
gc.set_threshold(100_000, 50, 100)

from cpgbuild import api  # noqa: E402 -- now it loads a third faster

__all__ = ["api"]
