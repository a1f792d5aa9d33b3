"""An app's token of the push service, as the apps send it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from api.wire.models import Body

Token = Annotated[str, StringConstraints(strip_whitespace=True, min_length=10, max_length=1000, pattern=r"^[!-~]+$")]


class PushTokenIn(Body):
    """The token that Firebase gave the app; send it at every start, and whenever it changes."""

    token: Token
    platform: Literal["android", "ios", "web"]


class PushTokenGone(Body):
    token: Token
