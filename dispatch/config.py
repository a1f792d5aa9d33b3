"""Every setting, with its default and what it is for; the README's table is made from this file."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from storage.currencies import kept
from storage.database.embedded import default_home
from storage.database.hosts import wanting_writes, without_password

#: Read where it lies in the folder from which a command is started; the environment goes before it.
ENV_FILE = ".env"


def env_file() -> str | None:
    """The file that is read beside the environment: .env of this folder, or what DISPATCH_ENV_FILE names; None where
    that is empty."""
    return os.environ.get("DISPATCH_ENV_FILE", ENV_FILE) or None


#: Variables of ours that are no settings of the server.
_NO_SETTINGS = frozenset({"DISPATCH_BENCH_MODULES", "DISPATCH_DATABASE_URL", "DISPATCH_ENV_FILE", "DISPATCH_REDIS_URL"})
#: What signing and sealing keys need (HMAC-SHA256, AES-256).
KEY_BYTES = 32

Currency = Annotated[str, Field(pattern="^[A-Z]{3}$"), AfterValidator(kept)]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as e:
        raise ValueError(f"there is no time zone {name!r}") from e
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]


def _unbroken(url: str, schemes: Collection[str], like: str) -> SplitResult:
    """The parts of an address that has a password in it. Nothing is quoted: nobody knows where a broken one has it."""
    unlike = ValueError(f"must be like {like}, with / # @ ? of a password percent-encoded (%2F %23 %40 %3F)")
    try:
        parts = urlsplit(url)
        user, _, hosts = parts.netloc.rpartition("@")
        for host in hosts.split(","):
            _ = urlsplit(f"//{host}").port  # Raises for what is none.
    except ValueError:
        raise unlike from None
    # A character that ends a part too early leaves the rest of the password, up to the @, in a later one.
    if parts.scheme not in schemes or "@" in user + parts.path + parts.query + parts.fragment:
        raise unlike
    return parts


def _database_address(url: str) -> str:
    if url:
        _unbroken(url, ("postgresql", "postgres"), "postgresql://user:password@host:5432/name")
    return wanting_writes(url)


def _database_secret(url: SecretStr) -> SecretStr:
    return SecretStr(_database_address(url.get_secret_value()))


def _redis_address(url: str) -> str:
    if url:
        like = "redis://user:password@host:6379/0"
        parts = _unbroken(url, ("redis", "rediss", "unix"), like)
        if parts.scheme != "unix" and not (parts.hostname and re.fullmatch("/?[0-9]*", parts.path)):
            raise ValueError(f"must name a host, and a database by its number: {like}")
    return url


DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_secret)]


class Http(BaseModel):
    """How the server listens and whom it believes."""

    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="Port; 0 takes a free one")
    public_url: str = Field("", description="The address that clients use; empty: the one listened on")
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


class Database(BaseModel):
    """How many connections a process keeps."""

    pool_min: int = Field(2, ge=1, description="Connections kept open")
    pool_max: int = Field(20, ge=2, validate_default=True, description="Most connections of one process")
    replica_url: DatabaseUrl | None = Field(None, description="A read replica that answers analytics; empty: none")
    replica_pool_max: int = Field(5, ge=1, description="Most connections of one process to the replica")

    @field_validator("pool_max")
    @classmethod
    def _no_less(cls, most: int, info: ValidationInfo) -> int:
        if most < (least := info.data.get("pool_min", 0)):
            raise ValueError(f"is {most}, less than the {least} of DISPATCH_DATABASE__POOL_MIN")
        return most


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


class Limits(BaseModel):
    """Requests per window, as the contract has them (R42 to R47)."""

    customer_per_minute: int = Field(100, ge=1, description="Customer API, per address")
    technician_per_minute: int = Field(200, ge=1, description="Technician API, per technician")
    admin_per_minute: int = Field(500, ge=1, description="Back office, per member of staff")
    internal_per_minute: int = Field(6000, ge=1, description="Internal API, per service")
    account_per_minute: int = Field(60, ge=1, description="Sign-in with a password, per address")
    organisation_per_minute: int = Field(300, ge=1, description="Organisation portal without a sign-in, per address")
    organisation_general_per_quarter: int = Field(
        200, ge=1, description="Organisation portal, per organisation in 15 minutes"
    )
    organisation_management_per_quarter: int = Field(100, ge=1, description="Managing an organisation, in 15 minutes")
    organisation_bulk_per_quarter: int = Field(10, ge=1, description="Bulk operations, per organisation in 15 minutes")
    organisation_analytics_per_quarter: int = Field(50, ge=1, description="Analytics of an organisation, in 15 minutes")
    organisation_uploads_per_hour: int = Field(20, ge=1, description="Files of an organisation, in an hour")
    integration_public_per_quarter: int = Field(
        100, ge=1, description="Integrations: what needs no credentials, per address and quarter of an hour"
    )
    integration_staff_per_quarter: int = Field(
        1000, ge=1, description="Integrations: staff and managing accounts, each per quarter of an hour"
    )
    onboarding_per_minute: int = Field(10, ge=1, description="Onboardings of integrations begun, per address")
    erp_per_minute: int = Field(300, ge=1, description="ERP, per member of its staff")
    provider_per_minute: int = Field(300, ge=1, description="Provider dashboard, per team member")
    booking_creation_per_hour: int = Field(10, ge=1, description="Bookings, per customer")
    booking_moves_per_hour: int = Field(10, ge=1, description="Moves of one booking by whoever booked it")
    payment_per_hour: int = Field(5, ge=1, description="Payment verifications, per customer")
    otp_per_hour: int = Field(3, ge=1, description="One-time codes, per phone")
    checkout_per_hour: int = Field(60, ge=1, description="Beginnings to pay at providers' public links, per address")
    contact_per_hour: int = Field(20, ge=1, description="Contact forms, per address")
    tracking_link_per_minute: int = Field(120, ge=1, description="Following a visit, per link")
    tracking_address_per_minute: int = Field(1200, ge=1, description="Following visits by any links, per address")


class Otp(BaseModel):
    """One-time codes."""

    life_s: int = Field(300, ge=30, description="How long a code is good")
    tries: int = Field(5, ge=1, le=5, description="Guesses at a code from where it was asked for, and of all others")
    sends_per_ip_per_hour: int = Field(60, ge=1, description="Codes, per address")
    guesses_per_ip_per_hour: int = Field(100, ge=1, description="Wrong codes, per address")
    sends_per_minute: int = Field(600, ge=1, description="Codes in all")
    sends_per_day: int = Field(20_000, ge=1, description="Codes in all until midnight; staff hear of it at 80 %")
    regions: list[Annotated[str, Field(pattern="^[A-Z]{2}$")]] = Field(
        [], description="Regions (ISO 3166) to whose phones codes are sent; empty: everywhere"
    )


class TokenTimes(BaseModel):
    """How long signing in lasts."""

    access_s: int = Field(900, ge=60, description="Life of an access token")
    refresh_s: int = Field(604_800, ge=3600, description="Life of a session")
    service_token: SecretStr | None = Field(None, description="A fixed token of the internal API, besides minted ones")


class ScoreWeights(BaseModel):
    """What counts how much in matching."""

    distance: float = Field(0.5, ge=0, description="Weight of nearness")
    rating: float = Field(0.2, ge=0, description="Weight of the rating")
    availability: float = Field(0.15, ge=0, description="Weight of the time since the last job")
    reliability: float = Field(0.15, ge=0, description="Weight of few cancellations")


class OfferWindow(BaseModel):
    """A shorter window for jobs that start soon."""

    lead_below_s: float = Field(gt=0, description="For jobs that start within so many seconds")
    window_s: float = Field(gt=0, description="The technician may think so long")


class Watch(BaseModel):
    """The watchdog of accepted jobs, in seconds of the domain's time."""

    ahead_s: float = Field(7200, ge=0, description="Watching begins so long before the start")
    tick_s: float = Field(60, gt=0, description="Between two looks")
    late_grace_s: float = Field(600, ge=0, description="Later than this after having had to leave is late")
    stalled_s: float = Field(600, ge=0, description="Without progress so long is stalled")
    dark_s: float = Field(180, ge=0, description="Without a fix so long is dark")
    bad_ticks: int = Field(2, ge=1, description="Bad looks in a row before the warning")
    reassign_after_s: float = Field(
        600, ge=0, description="A problem that lasts so long after the warning costs the job"
    )
    unfinished_s: float = Field(
        3600, ge=0, description="Of work that goes on so much longer than planned technician and staff are told"
    )


class Dispatch(BaseModel):
    """The engine."""

    offer_window_s: float = Field(900, gt=0, description="partner_assignment_timeout: how long an offer is open")
    offer_window_min_s: float = Field(60, gt=0, description="The shortest window of an offer")
    offer_windows: list[OfferWindow] = Field([], description="Shorter windows by lead time")
    open_offers: int = Field(
        3, ge=1, le=10, description="Offers that a technician may hold at once; of jobs that start soon it is 1"
    )
    lead_s: float = Field(3600, ge=0, description="A booking starts at least so long from now")
    max_advance_days: int = Field(30, ge=1, le=365, description="A booking starts at most so many days ahead")
    bulk_horizon_days: int = Field(
        14, ge=1, le=90, description="Visits of an organisation's series become bookings so many days ahead"
    )
    radius_m: float = Field(10_000, gt=0, le=200_000, description="How far technicians are looked for")
    min_rating: float = Field(
        4.0, ge=0, le=5, description="Lower rated technicians get no offers; the unrated count as 4.0"
    )
    fresh_fix_s: float = Field(90, gt=0, description="An older position is stale for jobs that start soon")
    live_horizon_s: float = Field(7200, ge=0, description="Jobs that start within this go by live positions")
    presence_dark_s: float = Field(900, gt=0, description="Without a sign of life so long nobody is available")
    steps_ahead_s: float = Field(7200, ge=0, description="The steps of a job may be made so long before its start")
    weights: ScoreWeights = ScoreWeights()
    watch: Watch = Watch()
    start_code_required: bool = Field(False, description="The technician must enter a code that the customer shows")
    auto_arrive: bool = Field(True, description="A detected arrival moves the job to arrived")
    reports_per_s: float = Field(1.0, gt=0, description="Reports of positions a second, per technician")
    reports_burst: float = Field(5.0, ge=1, description="Reports of positions at once, per technician")
    history_days: int = Field(30, ge=1, description="Position history is kept so long")
    explain_days: int = Field(90, ge=1, description="Why an offer went where it went is kept so long")
    party_events_days: int = Field(
        30, ge=1, description="What technicians were told is kept so long, the newest of each always"
    )
    notifications_days: int = Field(90, ge=1, description="Messages in the apps are kept so long")


class Privacy(BaseModel):
    """Who may know whom for how long, and how long personal data are kept."""

    contact_hours: float = Field(
        12, ge=0, description="Customer and technician see each other's name and number so long after a job is done"
    )
    bookings_days: int = Field(1095, ge=1, description="Names, doors and words of finished bookings")
    letters_days: int = Field(365, ge=1, description="Letters from the contact form, answered or not")
    outbox_days: int = Field(30, ge=1, description="Messages that have left or were given up")
    otp_days: int = Field(1, ge=1, description="What is left of one-time codes")


class Billing(BaseModel):
    """Prices and shares."""

    tax_pct: float = Field(18.0, ge=0, le=100, description="Tax rate")
    tax_base: Literal["subtotal_less_discount", "net"] = Field(
        "subtotal_less_discount", description="What is taxed (C1)"
    )
    technician_share_pct: float = Field(70.0, ge=0, le=100, description="The technician's share of the grand total")
    free_cancellation_s: float = Field(300, ge=0, description="Cancelling is free for so long after booking")
    cancellation_fee_pct: float = Field(10.0, ge=0, le=100, description="Fee of a later cancellation")
    preview_s: float = Field(120, gt=0, description="Life of a checkout preview")
    unpaid_release_s: float = Field(1800, gt=0, description="An unpaid online booking is released after this")
    cache_s: float = Field(3600, ge=0, description="Catalogue and promo definitions are cached so long")


class Erp(BaseModel):
    """Trade partners, their orders and their credit."""

    currency: Currency = Field("INR", description="The one currency of credit, orders and price lists")
    all_rows: int = Field(
        5000, ge=1, le=100_000, description="So many partners are listed at once with all=true; more are exported"
    )


class Providers(BaseModel):
    """What a provider begins with, and when people look at its payouts."""

    currency: Currency = Field("NGN", description="Of a provider that names no other")
    timezone: Zone = Field("Africa/Lagos", description="Of a provider that names no other")
    min_payout_minor: int = Field(100_000, ge=0, description="Smallest payout, in the smallest units")
    review_above_minor: int = Field(
        50_000_000,
        ge=0,
        description="Larger payouts that are asked for by hand wait for staff, in the smallest units of the house's "
        "currency; those in another one always do",
    )
    redirects: list[str] = Field(
        [], description="Exact origins to which a payment page may send back, besides those that may ask over REST"
    )


class Payments(BaseModel):
    """The payment gateway."""

    key_id: str = Field("", description="Razorpay key id; without keys online payment answers 503")
    key_secret: SecretStr = Field(SecretStr(""), description="Razorpay key secret")
    webhook_secret: SecretStr = Field(SecretStr(""), description="Secret of the webhook's signature")
    previous_webhook_secret: SecretStr = Field(SecretStr(""), description="The secret before the last rotation")
    base_url: str = Field("https://api.razorpay.com", description="The gateway's address")
    account_number: str = Field("", description="RazorpayX account that payouts leave from; empty: paid out by hand")
    connect_s: float = Field(3.0, gt=0, description="Longest wait for a connection")
    total_s: float = Field(10.0, gt=0, description="Longest wait for an answer")

    @property
    def is_configured(self) -> bool:
        return bool(self.key_id and self.key_secret.get_secret_value())


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
    log_days: int = Field(30, ge=1, description="What was delivered or given up is kept so long")


class Geocoding(BaseModel):
    """Where addresses without coordinates are looked up."""

    url: str = Field("", description="A Nominatim-compatible search address; empty: none is asked")
    user_agent: str = Field("dispatch-server", description="How we introduce ourselves to it")


class Files(BaseModel):
    """Where files lie: documents, images, invoices, exports, attachments."""

    store: Literal["folder", "s3"] = Field("folder", description="A folder of this machine, or a bucket that speaks S3")
    folder: Path | None = Field(None, description="The folder; empty: files in the data folder. Nodes share one")
    s3_endpoint: str = Field("", description="Address of the S3 service, without the bucket")
    s3_region: str = Field("us-east-1", description="Its region")
    s3_bucket: str = Field("", description="The bucket")
    s3_key_id: str = Field("", description="Access key id")
    s3_secret: SecretStr = Field(SecretStr(""), description="Secret access key")
    cdn_url: str = Field("", description="Address of a CDN before the bucket, for images that everybody may see")
    link_s: int = Field(900, ge=30, le=604_800, description="How long a link to a file is good")

    @model_validator(mode="after")
    def _whole(self) -> Files:
        wanted = {
            "S3_ENDPOINT": self.s3_endpoint, "S3_BUCKET": self.s3_bucket, "S3_KEY_ID": self.s3_key_id,
            "S3_SECRET": self.s3_secret.get_secret_value(),
        }  # fmt: skip
        if self.store == "s3" and (missing := [name for name, value in wanted.items() if not value]):
            raise ValueError(f"a bucket needs DISPATCH_FILES__{', DISPATCH_FILES__'.join(missing)}")
        return self


class Backup(BaseModel):
    """Copies of the database and of the files that lie in a folder."""

    folder: Path | None = Field(
        None, description="Where backups go, best another machine's disk; the server makes them itself when it is set"
    )
    method: Literal["wal", "dump"] = Field(
        "wal", description="wal: a copy of all a day, the log every 20 minutes; dump: for servers that do not replicate"
    )
    url: DatabaseUrl | None = Field(
        None, description="The database as a role that may replicate; empty: DATABASE_URL"
    )
    keep_days: int = Field(30, ge=1, description="How far back one may go")


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


class Telemetry(BaseModel):
    """Traces and errors, for services that collect them; the extra `telemetry` has what they need."""

    otlp_url: str = Field("", description="A collector of traces that speaks OTLP over HTTP; empty: no traces")
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


class _Environment(EnvSettingsSource):
    """Hands on what is no JSON as it stands: it is refused with the name of its variable, beside all else that is."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


class _File(_Environment, DotEnvSettingsSource):
    """The same of the file."""


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
        return init_settings, _Environment(settings_cls), _File(settings_cls, env_file=dotenv_settings.env_file)

    env: Literal["development", "test", "staging", "production"] = Field(
        "development", description="What may be used: see the table of environments"
    )
    data: Path = Field(
        default_factory=default_home, description="Folder of the embedded database and of the generated keys"
    )
    database_url: Annotated[str, AfterValidator(_database_address)] = Field(
        "", repr=False, validation_alias=AliasChoices("DATABASE_URL", "DISPATCH_DATABASE_URL", "database_url"),
        description="A PostgreSQL (15 or later) to use instead of the embedded one; of several hosts the primary",
    )  # fmt: skip
    redis_url: Annotated[str, AfterValidator(_redis_address)] = Field(
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
        for url in (self.database_url, self.redis_url, *(one.get_secret_value() for one in given if one is not None)):
            # As it stands in the address, and as a server names it.
            found += {urlsplit(url).password or "", without_password(url)[1] or ""} - {""}
        return found


def unknown_variables() -> list[str]:
    """Variables that look like settings and are none: a slip of the pen does nothing without a word."""
    known = set(_NO_SETTINGS)
    open_ended: list[str] = []

    def walk(model: type[BaseModel], prefix: str) -> None:
        for name, info in model.model_fields.items():
            variable = f"{prefix}{name.upper()}"
            known.add(variable)
            kind = info.annotation
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                walk(kind, variable + "__")
            else:
                open_ended.append(variable + "__")

    walk(Settings, "DISPATCH_")
    return sorted(
        name
        for name in named_variables()
        if name.startswith("DISPATCH_") and name not in known and not name.startswith(tuple(open_ended))
    )


def named_variables() -> set[str]:
    """Every variable that is given, in the environment or in the file; one without a value is not."""
    return {name.upper() for name, value in _given().items() if value}


def given_variables() -> dict[str, str]:
    """Our variables with their values, those of the environment before those of the file."""
    given = {name.upper(): value for name, value in _given().items()}
    return {n: v for n, v in given.items() if v and n.startswith(("DISPATCH_", "REDIS_URL"))}


def _given() -> dict[str, str | None]:
    """The file is what pydantic-settings reads: one that cannot be read is refused there."""
    from dotenv import dotenv_values

    try:
        return {**(dotenv_values(file) if (file := env_file()) else {}), **{n: v for n, v in os.environ.items() if v}}
    except (OSError, UnicodeDecodeError):
        return dict(os.environ)


def _secrets_in(value: Any) -> list[str]:
    if isinstance(value, SecretStr):
        return [value.get_secret_value()] if value.get_secret_value() else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [secret for part in inner for secret in _secrets_in(part)]
