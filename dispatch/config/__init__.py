"""Every setting, with its default and what it is for; the README's table is made from this package."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from dispatch.config.engine import Dispatch
from dispatch.config.environment import Environment, File
from dispatch.config.limits import Limits
from dispatch.config.money import Billing, Erp, Payments, Providers
from dispatch.config.neighbours import Geocoding, Push, Senders, Telemetry, Webhooks
from dispatch.config.people import Otp, Privacy, TokenTimes
from dispatch.config.server import Console, Http, Sockets
from dispatch.config.stores import Backup, Database, Files
from dispatch.config.values import KEY_BYTES, Currency, DatabaseUrl, Folder, RedisUrl, Zone
from storage.database.embedded import default_home
from storage.database.hosts import without_password


class Settings(BaseSettings):
    """All settings. From the environment as DISPATCH_NAME or DISPATCH_GROUP__NAME."""

    model_config = SettingsConfigDict(
        env_prefix="DISPATCH_", env_nested_delimiter="__", env_ignore_empty=True, extra="ignore", frozen=True,
        hide_input_in_errors=True,
    )  # fmt: skip

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        assert isinstance(dotenv_settings, DotEnvSettingsSource)
        return init_settings, Environment(settings_cls), File(settings_cls, env_file=dotenv_settings.env_file)

    env: Literal["development", "test", "staging", "production"] = Field(
        "development", description="What may be used: see the table of environments"
    )
    data: Folder = Field(
        default_factory=default_home, description="Folder of the embedded database and of the generated keys"
    )
    database_url: DatabaseUrl = Field(
        "", repr=False, validation_alias=AliasChoices("DATABASE_URL", "DISPATCH_DATABASE_URL", "database_url"),
        description="A PostgreSQL (15 or later) to use instead of the embedded one; of several hosts the primary",
    )  # fmt: skip
    redis_url: RedisUrl = Field(
        "", repr=False, validation_alias=AliasChoices("REDIS_URL", "DISPATCH_REDIS_URL", "redis_url"),
        description="Redis, wanted only by more than one process",
    )  # fmt: skip
    token_keys: dict[str, SecretStr] = Field(
        {},
        description="JSON, kid to key (32 bytes or more) that signs tokens; empty: generated",
    )
    vault_keys: dict[str, SecretStr] = Field(
        {},
        description="JSON, key id to base64 of 32 bytes that seals stored secrets; empty: generated",
    )
    currency: Currency = Field("INR", description="Where no zone says another")
    timezone: Zone = Field("Asia/Kolkata", description="Where no zone says another")
    phone_region: str = Field("IN", pattern="^[A-Z]{2}$", description="Phones without a country code belong here")
    brand: str = Field("Minuteserv", description="The name that customers see")
    integration_activation_requires_review: bool = Field(
        False, description="An integration that has completed its onboarding waits for staff to activate it"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What is logged")
    http: Http = Http()
    database: Database = Database()
    sockets: Sockets = Sockets()
    limits: Limits = Limits()
    otp: Otp = Otp()
    tokens: TokenTimes = TokenTimes()
    dispatch: Dispatch = Dispatch()
    privacy: Privacy = Privacy()
    billing: Billing = Billing()
    erp: Erp = Erp()
    providers: Providers = Providers()
    payments: Payments = Payments()
    senders: Senders = Senders()
    push: Push = Push()
    webhooks: Webhooks = Webhooks()
    geocoder: Geocoding = Geocoding()
    files: Files = Files()
    backup: Backup = Backup()
    telemetry: Telemetry = Telemetry()
    console: Console = Console()

    @field_validator("token_keys")
    @classmethod
    def _long_enough(cls, keys: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for kid, key in keys.items():
            if len(key.get_secret_value().encode()) < KEY_BYTES:
                raise ValueError(f"the key {kid!r} is shorter than {KEY_BYTES} bytes")
        return keys

    @field_validator("vault_keys")
    @classmethod
    def _well_formed(cls, keys: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for kid, key in keys.items():
            try:
                raw = base64.b64decode(key.get_secret_value(), validate=True)
            except ValueError:
                raw = b""
            if len(raw) != KEY_BYTES:
                raise ValueError(f"the key {kid!r} is not {KEY_BYTES} bytes in base64")
        return keys

    @property
    def files_folder(self) -> Path | None:
        """Where files lie; None where that is a bucket."""
        return (self.files.folder or self.data / "files") if self.files.store == "folder" else None

    @property
    def is_production(self) -> bool:
        """Real people and real money."""
        return self.env == "production"

    @property
    def is_deployed(self) -> bool:
        """Strangers can reach it: nothing of its inside is shown, and nothing is made up that should be given."""
        return self.env in ("staging", "production")

    @property
    def secret_values(self) -> list[str]:
        """Every secret of the configuration, for whoever has to keep them out of sight."""
        found = _secrets_in(self.model_dump())
        given = (self.database.replica_url, self.backup.url)
        open_ones = (self.database_url, self.redis_url, self.telemetry.otlp_url, self.geocoder.url)
        for url in (*open_ones, *(one.get_secret_value() for one in given if one is not None)):
            # As it stands in the address, and as a server names it.
            found += {urlsplit(url).password or "", without_password(url)[1] or ""} - {""}
        return found


def _secrets_in(value: Any) -> list[str]:
    if isinstance(value, SecretStr):
        return [value.get_secret_value()] if value.get_secret_value() else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [secret for part in inner for secret in _secrets_in(part)]
