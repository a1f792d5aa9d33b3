"""What each environment must be given and what it refuses: the table that a server is held against when it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dispatch.config import Settings

#: What the secrets of the local gateway begin with: they stand in its source.
LOCAL_SECRETS = "local-test-"
#: The least characters of a secret that others could guess at.
SECRET_CHARS, SERVICE_TOKEN_CHARS = 16, 32


@dataclass(frozen=True, slots=True)
class Environment:
    """`gateway` is how the gateway's keys must begin; the flags say what has to be given."""

    gateway: str
    needs_database: bool = False
    needs_keys: bool = False
    needs_gateway: bool = False
    needs_files: bool = False
    needs_senders: bool = False


#: Test keys never meet real customers, and live keys never a machine where people try things out.
ENVIRONMENTS: Mapping[str, Environment] = {
    "development": Environment("rzp_test_"),
    "test": Environment("rzp_test_"),
    "staging": Environment(
        "rzp_test_", needs_database=True, needs_keys=True, needs_gateway=True, needs_files=True
    ),
    "production": Environment(
        "rzp_live_", needs_database=True, needs_keys=True, needs_gateway=True, needs_files=True, needs_senders=True
    ),
}  # fmt: skip


def missing(settings: Settings, name: str | None = None) -> list[str]:
    """What an environment (else the settings' own) may not do without, by the name of its variable."""
    env = ENVIRONMENTS[name or settings.env]
    payments, files = settings.payments, settings.files
    wanted: dict[str, object] = {}
    if env.needs_database:
        wanted["DATABASE_URL"] = settings.database_url
    if env.needs_keys:
        wanted |= {"DISPATCH_TOKEN_KEYS": settings.token_keys, "DISPATCH_VAULT_KEYS": settings.vault_keys}
    if env.needs_senders:
        wanted |= {
            "DISPATCH_SENDERS__SMS": settings.senders.sms != "outbox",
            "DISPATCH_SENDERS__PUSH": settings.senders.push != "outbox",
            "DISPATCH_SENDERS__EMAIL": settings.senders.email != "outbox",
        }
    if env.needs_gateway:
        wanted |= {
            "DISPATCH_PAYMENTS__KEY_ID": payments.key_id,
            "DISPATCH_PAYMENTS__KEY_SECRET": payments.key_secret.get_secret_value(),
            "DISPATCH_PAYMENTS__WEBHOOK_SECRET": payments.webhook_secret.get_secret_value(),
        }
    if env.needs_files:
        # The data folder is one machine's own, and goes with it.
        wanted["DISPATCH_FILES__STORE (s3, or DISPATCH_FILES__FOLDER)"] = files.store == "s3" or files.folder
    if settings.is_deployed or name is not None:
        wanted |= _of_senders(settings)
    return [variable for variable, value in wanted.items() if not value]


def _of_senders(settings: Settings) -> dict[str, object]:
    """What the senders that are chosen need."""
    senders, wanted = settings.senders, dict[str, object]()
    if senders.sms == "twilio":
        wanted |= {
            "DISPATCH_SENDERS__TWILIO_SID": senders.twilio_sid,
            "DISPATCH_SENDERS__TWILIO_TOKEN": senders.twilio_token.get_secret_value(),
            "DISPATCH_SENDERS__TWILIO_FROM": senders.twilio_from,
        }
    if senders.sms == "msg91":
        wanted["DISPATCH_SENDERS__MSG91_KEY"] = senders.msg91_key.get_secret_value()
    if senders.push == "fcm":
        wanted["DISPATCH_SENDERS__FCM_CREDENTIALS"] = senders.fcm_credentials
    if senders.email == "smtp":
        wanted |= {"DISPATCH_SENDERS__SMTP_HOST": senders.smtp_host, "DISPATCH_SENDERS__EMAIL_FROM": senders.email_from}
    return wanted


def unfit(settings: Settings) -> list[str]:
    """What is there and may not be, each with what is wrong with it."""
    payments, wanted = settings.payments, ENVIRONMENTS[settings.env].gateway
    found: list[str] = []
    if payments.key_id and not payments.key_id.startswith(wanted):
        found.append(f"DISPATCH_PAYMENTS__KEY_ID that does not begin with {wanted}")
    return found + (_weak(settings) if settings.is_deployed else [])


def _weak(settings: Settings) -> list[str]:
    """What protects nothing."""
    payments = settings.payments
    found: list[str] = []
    for name, secret in (("KEY_SECRET", payments.key_secret), ("WEBHOOK_SECRET", payments.webhook_secret)):
        value = secret.get_secret_value()
        if len(value) < SECRET_CHARS:
            found.append(f"DISPATCH_PAYMENTS__{name} of fewer than {SECRET_CHARS} characters")
        elif value.startswith(LOCAL_SECRETS):
            found.append(f"DISPATCH_PAYMENTS__{name}, which is the local gateway's own and public")
    if payments.key_id.startswith("rzp_test_local"):
        found.append("DISPATCH_PAYMENTS__KEY_ID, which is the local gateway's own")
    if not payments.base_url.startswith("https://"):
        found.append("DISPATCH_PAYMENTS__BASE_URL that is not https")
    if settings.senders.email == "smtp" and settings.senders.smtp_tls == "none":
        found.append("DISPATCH_SENDERS__SMTP_TLS none, which sends links that set passwords in the clear")
    if settings.webhooks.open_hosts:
        found.append("DISPATCH_WEBHOOKS__OPEN_HOSTS, which lets endpoints lead into our own network")
    token = settings.tokens.service_token
    if token is not None and len(token.get_secret_value()) < SERVICE_TOKEN_CHARS:
        found.append(f"DISPATCH_TOKENS__SERVICE_TOKEN of fewer than {SERVICE_TOKEN_CHARS} characters")
    return found
