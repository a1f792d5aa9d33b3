"""Which sender carries which channel, by the settings."""

from __future__ import annotations

from pathlib import Path

import orjson

from dispatch.adapters.messages.push import Fcm, ServiceAccount
from dispatch.adapters.messages.sms import Msg91, Twilio
from dispatch.adapters.messages.web_push import Pushes, WebPush
from dispatch.adapters.webhooks import HttpPoster
from dispatch.config import Settings
from dispatch.config.neighbours import Senders
from dispatch.ports.messages import LocalOutbox as LocalOutbox
from dispatch.ports.messages import Sender as Sender
from dispatch.ports.web_push import Signer


class WrongSenders(ValueError):
    """The settings of the senders do not fit together; the message says which and what to do."""


def of(settings: Settings) -> dict[str, Sender]:
    """Channel to sender, for the sweeper. Raises WrongSenders, which says what to set."""
    return {"sms": _sms(settings.senders), "push": _pushes(settings), "email": _email(settings.senders)}


def _sms(chosen: Senders) -> Sender:
    if chosen.sms == "twilio":
        token = chosen.twilio_token.get_secret_value()
        if not (chosen.twilio_sid and token and chosen.twilio_from):
            raise WrongSenders("Twilio needs DISPATCH_SENDERS__TWILIO_SID, __TWILIO_TOKEN and __TWILIO_FROM.")
        return Twilio(chosen.twilio_sid, token, chosen.twilio_from)
    if chosen.sms == "msg91":
        key = chosen.msg91_key.get_secret_value()
        if not (key and chosen.msg91_templates):
            raise WrongSenders("MSG91 needs DISPATCH_SENDERS__MSG91_KEY and __MSG91_TEMPLATES.")
        return Msg91(key, chosen.msg91_templates)
    return LocalOutbox()


def _email(chosen: Senders) -> Sender:
    if chosen.email != "smtp":
        return LocalOutbox()
    if not (chosen.smtp_host and chosen.email_from):
        raise WrongSenders("SMTP needs DISPATCH_SENDERS__SMTP_HOST and __EMAIL_FROM.")
    # Imported only where letters are sent.
    from dispatch.adapters.messages.email import Smtp

    try:
        return Smtp(
            chosen.smtp_host, chosen.smtp_port, chosen.email_from, user=chosen.smtp_user,
            password=chosen.smtp_password.get_secret_value(), tls=chosen.smtp_tls,
        )  # fmt: skip
    except ValueError as error:
        raise WrongSenders(
            f"DISPATCH_SENDERS__EMAIL_FROM is {chosen.email_from!r}: it must be an e-mail address, like "
            "Dispatch <post@example.com>."
        ) from error


def _pushes(settings: Settings) -> Sender:
    apps, push = _push(settings.senders), settings.push
    if not push.is_configured:
        return apps
    signer = Signer(push.private_key.get_secret_value(), push.contact)
    return Pushes(apps, WebPush(signer, HttpPoster(settings.webhooks.open_hosts)))


def _push(chosen: Senders) -> Sender:
    if chosen.push != "fcm":
        return LocalOutbox()
    if not chosen.fcm_credentials:
        raise WrongSenders("Firebase needs DISPATCH_SENDERS__FCM_CREDENTIALS: the file with a service account's key.")
    try:
        content = orjson.loads(Path(chosen.fcm_credentials).read_bytes())
        account = ServiceAccount(content["project_id"], content["client_email"], content["private_key"])
    except OSError as error:
        raise WrongSenders(
            f"DISPATCH_SENDERS__FCM_CREDENTIALS names {chosen.fcm_credentials}, which cannot be read "
            f"({error.strerror}): it must be the key file of a service account."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise WrongSenders(
            f"DISPATCH_SENDERS__FCM_CREDENTIALS names {chosen.fcm_credentials}, which is no key file of a service "
            "account: it must be JSON with project_id, client_email and private_key."
        ) from error
    return Fcm(account)
