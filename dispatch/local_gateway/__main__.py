"""`python -m dispatch.local_gateway`: the local gateway as a program."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from dispatch.local_gateway.server import KEY_ID, KEY_SECRET, WEBHOOK_SECRET, CannotServe, run


def main(arguments: list[str] | None = None) -> None:
    """Secrets may come from the environment, so that no process list shows them."""
    env = os.environ.get
    parser = argparse.ArgumentParser(prog="dispatch-gateway", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--data", type=Path, help="folder of its state; without one it forgets")
    parser.add_argument("--key-id", default=env("GATEWAY_KEY_ID", KEY_ID))
    parser.add_argument("--key-secret", default=env("GATEWAY_KEY_SECRET", KEY_SECRET))
    parser.add_argument("--webhook-secret", default=env("GATEWAY_WEBHOOK_SECRET", WEBHOOK_SECRET))
    parser.add_argument("--webhook-url", default=env("GATEWAY_WEBHOOK_URL", ""))
    parser.add_argument("--public-url", default="", help="how a browser reaches it, if not by host and port")
    parser.add_argument("--seed", type=int, help="the same ids and the same faults in every run")
    try:
        run(**vars(parser.parse_args(arguments)))
    except CannotServe as e:
        parser.exit(1, f"gateway: {e}\n")


if __name__ == "__main__":
    main()
