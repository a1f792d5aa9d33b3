"""Servers of others that ours speaks to: carriers of messages, finders of addresses, collectors of errors."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from dispatch.config.values import KEY_BYTES, Days, WebAddress, WebRoot


class Senders(BaseModel):
    """Who carries messages."""

    sms: Literal["outbox", "twilio", "msg91"] = Field("outbox", description="SMS provider; outbox keeps them here")
    push: Literal["outbox", "fcm"] = Field("outbox", description="Push provider; outbox keeps them here")
    email: Literal["outbox", "smtp"] = Field("outbox", description="Who carries e-mail; outbox keeps it here")
    twilio_sid: str = Field("", description="Twilio account")
    twilio_token: SecretStr = Field(SecretStr(""), description="Twilio token")
    twilio_from: str = Field("", description="Twilio sender")
    msg91_key: SecretStr = Field(SecretStr(""), description="MSG91 key")
    msg91_templates: dict[str, str] = Field({}, description="MSG91 template id of each message")
    fcm_credentials: str = Field("", description="File with the service account of Firebase")
    email_from: str = Field("", description="Sender of e-mail, like Dispatch <post@example.com>")
    smtp_host: str = Field("", description="The mail relay")
    smtp_port: int = Field(587, ge=1, le=65535, description="Its port")
    smtp_user: str = Field("", description="User at the mail relay")
    smtp_password: SecretStr = Field(SecretStr(""), description="Password at the mail relay")
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the relay is spoken to; none sends links that set passwords in the clear"
    )


class Push(BaseModel):
    """Pushes to pages (Web Push)."""

    private_key: SecretStr = Field(
        SecretStr(""), description="VAPID private key, base64url of 32 bytes; empty: nothing is pushed to pages"
    )
    contact: str = Field("", description="Where push services reach whoever runs this: mailto: or an https address")

    @property
    def is_configured(self) -> bool:
        return bool(self.private_key.get_secret_value())

    @model_validator(mode="after")
    def _usable(self) -> Push:
        if not self.is_configured:
            return self
        key = self.private_key.get_secret_value().rstrip("=")
        if not re.fullmatch(r"[A-Za-z0-9_-]{43}", key):
            raise ValueError(f"the VAPID key is not {KEY_BYTES} bytes in base64url")
        if not self.contact.startswith(("mailto:", "https://")):
            raise ValueError("a VAPID key needs DISPATCH_PUSH__CONTACT, which begins with mailto: or https://")
        return self


class Webhooks(BaseModel):
    """Events that leave for the endpoints of others."""

    open_hosts: list[str] = Field(
        [], description="Development only: hosts of endpoints that may be private and spoken to over http"
    )
    log_days: Days = Field(30, description="What was delivered or given up is kept so long")


class Geocoding(BaseModel):
    """Where addresses without coordinates are looked up."""

    url: WebAddress = Field("", description="A Nominatim-compatible search address; empty: none is asked")
    user_agent: str = Field("dispatch-server", description="How we introduce ourselves to it")


class Telemetry(BaseModel):
    """Traces and errors, for services that collect them; the extra `telemetry` has what they need."""

    otlp_url: WebRoot = Field("", description="A collector of traces that speaks OTLP over HTTP; empty: no traces")
    trace_share: float = Field(0.05, ge=0, le=1, description="The share of requests that are traced")
    sentry_dsn: SecretStr | None = Field(None, description="Where Sentry takes errors; empty: nowhere")

    @field_validator("sentry_dsn")
    @classmethod
    def _usable(cls, dsn: SecretStr | None) -> SecretStr | None:
        """What Sentry's library takes, which is not imported for a look."""
        if dsn is None:
            return None
        with suppress(ValueError):
            parts = urlsplit(dsn.get_secret_value())
            _ = parts.port  # Raises for what is none.
            project = parts.path.rpartition("/")[2]
            if parts.scheme in ("http", "https") and parts.username and parts.hostname and project.isdecimal():
                return dsn
        raise ValueError("must be like https://key@host/project, the project a number")
