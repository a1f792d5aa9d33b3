"""`python -m dispatch` and the command `dispatch`."""

from __future__ import annotations

from dispatch.cli.app import main

if __name__ == "__main__":
    main()

__all__ = ["main"]
