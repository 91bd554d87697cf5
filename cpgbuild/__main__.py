"""`python -m cpgbuild`, and what the console script calls."""

from __future__ import annotations

import sys

from cpgbuild.cli.quick import answered


def main() -> None:
    """Run the command line."""
    if answered(sys.argv[1:]):
        return
    from cpgbuild.cli.app import main  # noqa: PLC0415 -- where nothing changed it is not needed

    main()


if __name__ == "__main__":
    main()
