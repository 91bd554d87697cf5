"""Profiles: how long the property tests run. `CPGBUILD_PROFILE=soak` runs them for long."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

_EXAMPLES = {"fast": 0.4, "default": 1.0, "soak": 60.0}
PROFILE = os.environ.get("CPGBUILD_PROFILE", "default")


def laws(examples: int, steps: int = 50) -> settings:
    """Return settings for about so many examples in the default profile."""
    fast = PROFILE == "fast"
    return settings(
        max_examples=max(1, int(examples * _EXAMPLES[PROFILE])),
        stateful_step_count=steps,
        deadline=None,
        database=None if fast else settings.default.database,
        derandomize=fast,
        # Mutants need to be caught and not to be made small.
        phases=(Phase.generate,) if fast else tuple(Phase),
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
