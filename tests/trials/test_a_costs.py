"""What somebody unknown sends costs the server little, and holds nobody up."""

from __future__ import annotations

import asyncio
import contextlib
import json
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.trials.callers import PATIENCE_S, Trial
from tests.trials.people import Technician

UPGRADE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
)


@pytest.mark.parametrize(
    "body",
    [
        "[" * 17 + "]" * 17 + '"' + '\\"' * 10_000,
        "[" * 8_000,
        '{"a":' * 1_500,
        "\\" * 8_000,
        '["' + "\\\\" * 15_000 + '"]',
        "[" + "[]," * 2_000 + "[]]",
    ],
)
async def test_a_frame_before_signing_in_is_read_in_linear_time(trial: Trial, body: str) -> None:
    async with trial.cheap(0.5), trial.socket("/technician", None) as socket:
        await socket.ws.send_str("40/technician," + body)
        assert await socket.is_cut()


@pytest.mark.parametrize(
    "body",
    [
        '{"' + "k" * 30_000 + '":[' + "0," * 20_000 + "0]}",
        "[" * 30_000 + "]" * 30_000,
        '{"phone_number":[' + "{}," * 20_000 + "{}]}",
        '{"phone_number":"' + "1" * 60_000 + '","purpose":"login"}',
    ],
)
async def test_a_body_of_many_values_is_refused_cheaply(trial: Trial, body: str) -> None:
    async with trial.cheap(0.5):
        reply = await trial.call("POST", "/v1/auth/send-otp", body.encode())
    assert 400 <= reply.status < 500
    assert reply.size < 20_000


async def test_unknown_keys_are_few_complaints(trial: Trial, technician: Technician) -> None:
    body = json.dumps({f"key{n}": n for n in range(60_000)}).encode()
    async with trial.cheap(1.5):
        reply = await technician.call("POST", "/v1/checkout/prepare", body)
        other = await technician.call("PATCH", "/v1/partner/availability", body)
    for one in (reply, other):
        assert 400 <= one.status < 500
        assert one.size < 20_000


async def test_idle_connections_of_one_address_keep_nobody_out(trial: Trial) -> None:
    where = urlsplit(trial.url)
    held = []
    try:
        for _ in range(700):
            with contextlib.suppress(OSError):
                held.append(await asyncio.open_connection(where.hostname, where.port))
        async with aiohttp.ClientSession() as http, http.get(trial.url + "/healthz") as reply:
            assert reply.status == 200
    finally:
        for _, writer in held:
            writer.close()


async def test_one_sign_in_holds_few_sockets_and_has_one_budget(trial: Trial) -> None:
    who = await Technician.new(trial)
    async with contextlib.AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(trial.socket("/technician", who.token)) for _ in range(14)]
        assert await sockets[0].is_cut(), "the oldest makes room"
        answers = [await sockets[-1].ask("resume", {"streams": {}}, n) for n in range(60)]
    refused = [one["error"]["code"] for one in answers if not one["ok"]]
    assert "rate_limited" in refused


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer s3cr3t\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\nBad Name: s3cr3t\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\nContent-Length: s3cr3t\r\n\r\n",
        b"POST /v1/contact HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\ns3cr3t\r\n",
    ],
)
async def test_what_is_no_http_is_answered_in_the_house_s_words(trial: Trial, sent: bytes) -> None:
    got = await trial.raw(sent)
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 4"), got
    assert b"aiohttp" not in got.lower()
    assert b"s3cr3t" not in got
    assert json.loads(body)["error"]["code"]


@pytest.mark.parametrize("frame", [b"\x8a\x80\0\0\0\0", b"\x00\x80\0\0\0\0", b"\x89\x80\0\0\0\0"])
async def test_frames_that_say_nothing_are_counted_and_their_sender_cut(trial: Trial, frame: bytes) -> None:
    where = urlsplit(trial.url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        writer.write(UPGRADE + b"\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
        assert b" 101 " in head
        with contextlib.suppress(ConnectionError):
            if frame[0] == 0:
                writer.write(b"\x01\x80\0\0\0\0")
            writer.write(frame * 20_000)
            await writer.drain()
            while await asyncio.wait_for(reader.read(65_536), PATIENCE_S):
                pass
    finally:
        writer.close()
    assert (await trial.call("GET", "/healthz")).status == 200


async def test_whoever_stays_over_the_limit_is_cut(trial: Trial) -> None:
    who = await Technician.new(trial)
    async with trial.socket("/technician", who.token) as socket:
        cut = asyncio.create_task(socket.is_cut())
        with contextlib.suppress(ConnectionError, aiohttp.ClientError):
            for n in range(2_000):
                if cut.done():
                    break
                await socket.ws.send_str(f'42/technician,{n}["resume",{{"streams":{{}}}}]')
        assert await cut
