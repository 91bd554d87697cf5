"""`python -m cpgbuild`, and what the console script calls."""

from __future__ import annotations

from cpgbuild.cli.app import main

if __name__ == "__main__":
    main()
