"""Exit codes: what the command tells a script."""

from __future__ import annotations

OK = 0
TASK_FAILED = 1
WRONG_REQUEST = 2
WORK_TO_DO = 3
BUG = 70
INTERRUPTED = 130
