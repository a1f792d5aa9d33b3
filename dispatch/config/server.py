"""How the server listens, and how its pages and sockets are kept."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator

from dispatch.config.values import WebRoot


class Http(BaseModel):
    """How the server listens and whom it believes."""

    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="Port; 0 takes a free one")
    public_url: WebRoot = Field("", description="The address that clients use; empty: the one listened on")
    trusted_hops: int = Field(
        0,
        ge=0,
        le=5,
        description="How many proxies in front are trusted to name the client in X-Forwarded-For",
    )
    allowed_origins: list[str] = Field(
        [],
        description="Exact origins, besides the own, whose pages may open sockets and ask over REST, with credentials",
    )
    operations_token: SecretStr | None = Field(
        None, description="Bearer token that opens /metrics, the details of /readyz, and the documents in production"
    )
    open_documents: bool = Field(
        False, description="In production /docs, /openapi.json and /asyncapi.json are for everybody, without that token"
    )
    workers: int = Field(1, ge=1, le=64, description="Processes on one port; more than one needs REDIS_URL")
    body_limit_bytes: int = Field(1_048_576, ge=1024, description="Largest request body")
    head_timeout_s: float = Field(
        10.0, gt=0, description="A connection that has not sent a whole request head by then is cut"
    )
    max_connections_per_ip: int = Field(
        500,
        ge=1,
        description="Open HTTP connections of one address, idle ones too; its oldest idle one makes room (no proxies)",
    )


class Sockets(BaseModel):
    """The guard of the sockets."""

    auth_timeout_s: float = Field(5.0, gt=0, description="A socket that has not signed in by then is cut")
    ping_interval_s: float = Field(25.0, gt=0, description="Heartbeat")
    ping_timeout_s: float = Field(20.0, gt=0, description="A peer that does not answer the heartbeat by then is cut")
    events_per_s: float = Field(20.0, gt=0, description="Events a socket may send per second")
    events_burst: int = Field(40, ge=1, description="Events a socket may send at once")
    max_frame_bytes: int = Field(65_536, ge=1024, description="Largest frame")
    max_queue_bytes: int = Field(262_144, ge=4096, description="A socket that lets so much wait is cut")
    max_per_session: int = Field(10, ge=1, description="Sockets of one sign-in; one more, and the oldest is cut")
    max_per_ip: int = Field(2000, ge=1, description="Sockets from one address")
    room_interval_s: float = Field(1.0, ge=0, description="A customer hears of a position at most this often")


class Console(BaseModel):
    """The web pages."""

    cdn_url: str = Field("", description="Address of a CDN before /assets, for the pages' scripts and styles")
    tile_url: str = Field(
        "", description="Map tiles, like https://tiles.example.com/{z}/{x}/{y}.png; empty: zones and a graticule only"
    )
    tile_attribution: str = Field("", max_length=200, description="Whom the map thanks for its tiles")

    @field_validator("cdn_url", "tile_url")
    @classmethod
    def _address(cls, url: str) -> str:
        """It becomes part of a page's Content-Security-Policy."""
        parts = urlsplit(url)
        if url and (parts.scheme not in ("http", "https") or not re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", parts.netloc)):
            raise ValueError(f"{url!r} is no address that begins with https://")
        return url

    @field_validator("tile_url")
    @classmethod
    def _placeholders(cls, url: str) -> str:
        if url and not all(part in url for part in ("{z}", "{x}", "{y}")):
            raise ValueError("a tile address has {z}, {x} and {y}")
        return url
