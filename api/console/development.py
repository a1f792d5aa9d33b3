"""For development only: one click signs in as the demonstration's people, and what would have been sent can be read."""

from __future__ import annotations

import ipaddress
from dataclasses import asdict
from typing import Annotated, Literal

import orjson
from aiohttp import web
from pydantic import StringConstraints, TypeAdapter

from api.core import CORE
from api.edge.request_info import INFO
from api.route import PUBLIC_BODY
from api.wire.dialects import MINUTESERV
from api.wire.models import Body
from api.wire.parsing import json_of, read_body, refuse, validate_body
from dispatch.access import dev_tokens
from dispatch.outbox import messages
from dispatch.services import Services

PATH = "/console/people"
#: So many messages the outbox shows.
MOST_MESSAGES = 200


class WhoIn(Body):
    kind: Literal["admin", "technician", "customer"]
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


_WHO: TypeAdapter[WhoIn] = TypeAdapter(WhoIn)


def _services(request: web.Request) -> Services:
    """Raises HTTPNotFound outside of development: there, there is nothing here."""
    services = request.app[CORE].services
    if services.settings.env != "development" or not is_nearby(request):
        raise web.HTTPNotFound
    return services


def is_nearby(request: web.Request) -> bool:
    """Whether somebody on this machine or its network asks for it by its number: a server that was put on the internet
    as if for development signs nobody in, and no page of elsewhere reaches one through its visitor's browser."""
    return _is_private(request[INFO].ip) and (_is_private(host := request.url.host or "") or host == "localhost")


def _is_private(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.is_loopback or address.is_private


def _json(data: object) -> web.Response:
    return web.Response(body=orjson.dumps({"success": True, "data": data}), content_type="application/json")


async def people(request: web.Request) -> web.StreamResponse:
    """Whom one can sign in as."""
    return _json([asdict(person) for person in await dev_tokens.seeded_people(_services(request))])


async def sign_in(request: web.Request) -> web.StreamResponse:
    """A sign-in of one of them, like that of somebody who had typed a code."""
    services = _services(request)
    body, bad, _ = validate_body(_WHO, json_of(await read_body(request, PUBLIC_BODY)), MINUTESERV, drops_unknown=False)
    refuse(bad)
    pair = await dev_tokens.open_dev_session(services, body.kind, body.name)
    return _json({
        "access_token": pair.access_token, "refresh_token": pair.refresh_token, "expires_in": pair.expires_in,
    })  # fmt: skip


async def outbox(request: web.Request) -> web.StreamResponse:
    """What would have been sent, the newest first; of one recipient or one channel if they are named."""
    services, asked = _services(request), request.query
    async with services.read() as conn:
        found = await messages.list_outbox(conn, asked.get("to") or None, MOST_MESSAGES, asked.get("channel") or None)
    return _json([
        {
            "id": m.id, "channel": m.channel, "recipient": m.recipient, "template": m.template, "body": m.body,
            "subject": messages.subject_of(m.template, m.data, services.settings.brand), "data": m.data,
            "state": m.state, "created_at": m.created_at,
        }
        for m in found
    ])  # fmt: skip


def add_development(app: web.Application) -> None:
    app.router.add_get(PATH, people)
    app.router.add_post(PATH, sign_in)
    app.router.add_get("/console/outbox", outbox)
