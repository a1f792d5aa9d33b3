"""E-mail against a relay on this machine: what arrives, and what is made of each refusal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_string, policy
from typing import Any

import pytest

from dispatch.adapters.messages.email import Smtp
from dispatch.ports.messages import Message, SendFailed


@dataclass
class Relay:
    """Speaks as much SMTP as a letter needs; answers with `replies` where they name a command."""

    replies: dict[str, str] = field(default_factory=dict)
    got: list[str] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        usual = {"EHLO": "250-relay\r\n250 AUTH PLAIN", "DATA": "354 go on", "QUIT": "221 bye", "AUTH": "235 welcome"}
        writer.write(b"220 relay\r\n")
        while line := (await reader.readline()).decode():
            command = line.split()[0].upper()
            reply = self.replies.get(command, usual.get(command, "250 ok"))
            writer.write(f"{reply}\r\n".encode())
            if command == "DATA" and reply.startswith("354"):
                letter = (await reader.readuntil(b"\r\n.\r\n")).decode()
                self.got.append(letter.removesuffix("\r\n.\r\n"))
                writer.write(f"{self.replies.get('.', '250 taken')}\r\n".encode())
            if command == "QUIT":
                break
        writer.close()


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    made = Relay()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


def letter(**changes: Any) -> Message:
    values = {
        "id": 7, "channel": "email", "recipient": "a.b@example.com", "template": "password_link",
        "text": "Choose it: https://x.example/\nGrüße", "params": {}, "created_at": datetime(2026, 1, 5, tzinfo=UTC),
        "subject": "Choose your\r\nBcc: everybody@example.com password", **changes,
    }  # fmt: skip
    return Message(**values)


async def test_a_letter_arrives_as_it_was_written_and_twice_under_one_id(relay: Relay) -> None:
    smtp = Smtp("127.0.0.1", relay.port, "Dispätch <post@example.com>", user="u", password="p", tls="none")
    for _ in range(2):
        await smtp.send(letter())
    first, second = (message_from_string(raw, policy=policy.default) for raw in relay.got)
    assert first["Message-ID"] == second["Message-ID"] == "<dispatch-7@example.com>"
    assert (first["To"], first["From"]) == ("a.b@example.com", "Dispätch <post@example.com>")
    assert first["Bcc"] is None and first["Subject"].startswith("Choose your Bcc:")
    assert first.get_content().splitlines() == ["Choose it: https://x.example/", "Grüße"]  # type: ignore[attr-defined]
    await smtp.close()


@pytest.mark.parametrize(
    ("replies", "is_permanent"),
    [
        ({"RCPT": "550 no such box"}, True), ({"RCPT": "450 later"}, False), ({"MAIL": "550 not you"}, False),
        ({".": "451 busy"}, False), ({".": "554 spam"}, True), ({"AUTH": "535 who are you"}, False),
        ({"EHLO": "554 go away", "HELO": "554 go away"}, False), ({"DATA": "554 not now"}, True),
    ],
)  # fmt: skip
async def test_what_is_refused_for_good_is_not_tried_again(
    relay: Relay, replies: dict[str, str], is_permanent: bool
) -> None:
    relay.replies = replies
    smtp = Smtp("127.0.0.1", relay.port, "post@example.com", user="u", password="p", tls="none")
    with pytest.raises(SendFailed) as failed:
        await smtp.send(letter())
    assert failed.value.is_permanent is is_permanent


async def test_a_relay_that_is_away_or_cannot_encrypt_is_tried_again(relay: Relay) -> None:
    for smtp in (
        Smtp("127.0.0.1", 1, "post@example.com", tls="none"),
        Smtp("127.0.0.1", relay.port, "post@example.com", tls="starttls"),
    ):
        with pytest.raises(SendFailed) as failed:
            await smtp.send(letter())
        assert not failed.value.is_permanent
    assert relay.got == [], "nothing goes out in the clear"


@pytest.mark.parametrize("recipient", ["nobody", "a@b@c", "", "a@example.com\nBcc: b@example.com"])
async def test_what_is_no_address_is_given_up(relay: Relay, recipient: str) -> None:
    with pytest.raises(SendFailed) as failed:
        await Smtp("127.0.0.1", relay.port, "post@example.com", tls="none").send(letter(recipient=recipient))
    assert failed.value.is_permanent and relay.got == []
