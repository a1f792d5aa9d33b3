"""How a request becomes an endpoint's arguments; all of its bad fields are named at once."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from api.core import Core
from api.edge.cards import CardDataRefused, is_card_data
from api.edge.idempotency import HEADER, key_complaint
from api.edge.request_info import INFO
from api.route import Route
from api.wire.contents import MOST_COMPLAINTS, Fields, leaves, path_of, unclean
from api.wire.dialects import Dialect
from api.wire.parsing import json_of, query_of, read_body, refuse, validate_body
from api.wire.uploads import read_upload

#: Of one public route.
_MOST_KEPT_QUERIES, _LONGEST_KEPT_QUERY = 256, 200


@dataclass(eq=False, slots=True)
class Arguments:
    """Reads the requests of one route."""

    route: Route
    #: What queries mean, where nothing else is asked: the same few are sent again and again.
    _asked: dict[str, tuple[dict[str, Any], list[str]]] | None = field(init=False)

    def __post_init__(self) -> None:
        self._asked = {} if self.route.is_public and self.route.inputs.takes_query_only else None

    async def read(self, core: Core, request: web.Request, dialect: Dialect) -> tuple[dict[str, Any], Any, list[str]]:
        """(arguments, the body's JSON value or what tells an upload from others, dropped names).

        Raises Invalid with every bad field.
        """
        query = request.query_string
        if self._asked is not None and (known := self._asked.get(query)) is not None:
            return dict(known[0]), None, list(known[1])
        route, inputs = self.route, self.route.inputs
        given: dict[str, Any] = {value.name: value.read(request) for value in inputs.path}
        bad: Fields = {}
        for name, header in inputs.headers.items():
            given[name], wrong = header.read(request)
            bad |= wrong
        ignored = self._read_query(request, given, bad, dialect)
        if route.idempotency is not None:
            key = request[INFO].idempotency_key
            if text := key_complaint(key, is_required=route.idempotency == "required"):
                bad[HEADER] = [text]
        body: Any = None
        if inputs.upload and inputs.upload_rules:
            # What else is wrong is said before the files are taken.
            refuse(bad)
            upload = given[inputs.upload] = await read_upload(request, inputs.upload_rules, self._checked)
            body = upload.contents
        elif inputs.raw_body:
            given[inputs.raw_body] = await read_body(request, self._most_bytes(core))
        elif inputs.body is not None:
            raw = await read_body(request, self._most_bytes(core))
            body = json_of(raw)
            bad |= self._checked(body)
            is_absent = not raw.strip() and inputs.body_default is not inspect.Parameter.empty
            if is_absent:
                given["body"] = inputs.body_default
            else:
                given["body"], wrong, dropped = validate_body(
                    inputs.body, body, dialect, drops_unknown=route.audience.drops_unknown_keys
                )
                bad |= wrong
                ignored += dropped
        refuse(bad)
        if self._asked is not None and len(query) <= _LONGEST_KEPT_QUERY:
            if len(self._asked) >= _MOST_KEPT_QUERIES:
                self._asked.clear()
            self._asked[query] = dict(given), list(ignored)
        return given, body, ignored

    def _most_bytes(self, core: Core) -> int:
        """What a body may weigh here, never more than the setting."""
        route, most = self.route, core.services.settings.http.body_limit_bytes
        is_open = route.inputs.raw_body and route.body_limit is None
        return most if is_open else min(most, route.body_bytes)

    def _read_query(self, request: web.Request, given: dict[str, Any], bad: Fields, dialect: Dialect) -> list[str]:
        """Adds query and listing to `given`; returns the names that mean nothing here."""
        if not request.query_string:
            raw: dict[str, list[str]] = {}
        else:
            raw = query_of(request)
            bad |= self._checked(raw)
        inputs = self.route.inputs
        known: set[str] = set()
        if inputs.query is not None:
            given["query"], wrong = inputs.query.read(raw, dialect)
            known |= inputs.query.names
            bad |= wrong
        if inputs.listing is not None:
            given["listing"], wrong = inputs.listing.read(raw, dialect)
            known |= inputs.listing.known
            bad |= wrong
        return [name for name in raw if name not in known]

    def _checked(self, given: Any) -> Fields:
        """What no field may hold, found in one walk. Raises TooMuch, CardDataRefused."""
        bad: Fields = {}
        for place, name, value in leaves(given):
            if (text := unclean(value)) is not None:
                if len(bad) < MOST_COMPLAINTS:
                    bad[path_of(place)] = [text]
            elif not self.route.accepts_cards and is_card_data(name, value):
                raise CardDataRefused.at(path_of(place))
        return bad
