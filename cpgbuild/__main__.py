"""`python -m cpgbuild`, and what the console script calls."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line."""
    # Each is loaded when it is needed, and here, so that Ctrl-C finds somebody from the beginning.
    try:
        if "_CPGBUILD_COMPLETE" in os.environ:  # noqa: TID251 -- a shell's, not the project's
            from cpgbuild.cli.completion import completed  # noqa: PLC0415

            if completed(os.environ):  # noqa: TID251 -- likewise
                return
        from cpgbuild.cli.quick import answered  # noqa: PLC0415

        if answered(sys.argv[1:]):
            return
        from cpgbuild.cli.app import main  # noqa: PLC0415

        main()
    except KeyboardInterrupt:
        from cpgbuild.cli.exit_codes import INTERRUPTED  # noqa: PLC0415

        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
