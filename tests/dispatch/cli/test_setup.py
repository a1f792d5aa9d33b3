"""Options and environment become settings, or a sentence that names all that is wrong."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path

import pytest

from dispatch.cli import guests, setup
from dispatch.cli.failure import Refused
from dispatch.cli.setup import refuse_deployed, refuse_production, refuse_unfit, settings_of
from dispatch.local_gateway.server import KEY_ID, KEY_SECRET, WEBHOOK_SECRET
from storage.database.embedded import EmbeddedPostgres
from tests.processes import ROOT

PRODUCTION = {
    "DATABASE_URL": "postgresql://db/dispatch",
    "DISPATCH_TOKEN_KEYS": '{"k1": "' + "t" * 32 + '"}',
    "DISPATCH_VAULT_KEYS": '{"k1": "' + base64.b64encode(b"v" * 32).decode() + '"}',
    "DISPATCH_SENDERS__SMS": "twilio",
    "DISPATCH_SENDERS__TWILIO_SID": "AC1",
    "DISPATCH_SENDERS__TWILIO_TOKEN": "t",
    "DISPATCH_SENDERS__TWILIO_FROM": "+15005550006",
    "DISPATCH_SENDERS__PUSH": "fcm",
    "DISPATCH_SENDERS__FCM_CREDENTIALS": "/run/secrets/fcm.json",
    "DISPATCH_SENDERS__EMAIL": "smtp",
    "DISPATCH_SENDERS__SMTP_HOST": "mail.example.com",
    "DISPATCH_SENDERS__EMAIL_FROM": "Dispatch <post@example.com>",
    "DISPATCH_FILES__FOLDER": "/srv/files",
    "DISPATCH_PAYMENTS__KEY_ID": "rzp_live_x",
    "DISPATCH_PAYMENTS__KEY_SECRET": "a key secret of the tests",
    "DISPATCH_PAYMENTS__WEBHOOK_SECRET": "a webhook secret of the tests",
}


def test_production_names_all_that_is_missing(env: pytest.MonkeyPatch) -> None:
    env.setenv("DISPATCH_ENV", "production")
    with pytest.raises(Refused) as caught:
        refuse_unfit(settings_of())
    missing = {
        "DATABASE_URL", "DISPATCH_TOKEN_KEYS", "DISPATCH_VAULT_KEYS", "DISPATCH_SENDERS__SMS",
        "DISPATCH_SENDERS__PUSH", "DISPATCH_SENDERS__EMAIL", "DISPATCH_PAYMENTS__KEY_ID",
        "DISPATCH_PAYMENTS__KEY_SECRET", "DISPATCH_PAYMENTS__WEBHOOK_SECRET", "DISPATCH_FILES__STORE",
        "DISPATCH_FILES__FOLDER",
    }  # fmt: skip
    assert str(caught.value).startswith("Production needs ")
    assert {word.strip(",:()") for word in str(caught.value).split() if "_" in word} == missing


@pytest.mark.parametrize("without", sorted(PRODUCTION))
def test_production_needs_each_of_them(env: pytest.MonkeyPatch, without: str) -> None:
    env.setenv("DISPATCH_ENV", "production")
    for name, value in PRODUCTION.items():
        env.setenv(name, value)
    refuse_unfit(settings_of())
    env.delenv(without)
    with pytest.raises(Refused, match=without):
        refuse_unfit(settings_of())
    with pytest.raises(Refused, match="for development"):
        refuse_production(settings_of(), "This")


def test_a_demonstration_is_nothing_for_staging(env: pytest.MonkeyPatch) -> None:
    env.setenv("DISPATCH_ENV", "staging")
    with pytest.raises(Refused, match="does nothing where DISPATCH_ENV is staging"):
        refuse_deployed(settings_of(), "The demonstration")
    env.setenv("DISPATCH_ENV", "development")
    refuse_deployed(settings_of(), "The demonstration")


@pytest.mark.parametrize(("name", "weak"), [
    ("DISPATCH_PAYMENTS__KEY_SECRET", "x"), ("DISPATCH_PAYMENTS__KEY_SECRET", KEY_SECRET),
    ("DISPATCH_PAYMENTS__WEBHOOK_SECRET", "fifteen letters"), ("DISPATCH_PAYMENTS__WEBHOOK_SECRET", WEBHOOK_SECRET),
    ("DISPATCH_PAYMENTS__KEY_ID", KEY_ID), ("DISPATCH_PAYMENTS__BASE_URL", "http://api.example"),
    ("DISPATCH_TOKENS__SERVICE_TOKEN", "x" * 31), ("DISPATCH_SENDERS__SMTP_TLS", "none"),
    ("DISPATCH_WEBHOOKS__OPEN_HOSTS", '["127.0.0.1"]'),
])  # fmt: skip
def test_production_refuses_what_protects_nothing(env: pytest.MonkeyPatch, name: str, weak: str) -> None:
    env.setenv("DISPATCH_ENV", "production")
    for variable, value in PRODUCTION.items():
        env.setenv(variable, value)
    env.setenv(name, weak)
    with pytest.raises(Refused, match=name) as caught:
        refuse_unfit(settings_of())
    assert weak in ("x", "none") or weak not in str(caught.value)


@pytest.mark.parametrize(("where", "key"), [
    ("development", "rzp_live_x"), ("test", "rzp_live_x"), ("staging", "rzp_live_x"), ("production", "rzp_test_x"),
])  # fmt: skip
def test_keys_of_the_wrong_kind_are_refused(env: pytest.MonkeyPatch, where: str, key: str) -> None:
    for variable, value in PRODUCTION.items():
        env.setenv(variable, value)
    env.setenv("DISPATCH_ENV", where)
    env.setenv("DISPATCH_PAYMENTS__KEY_ID", key)
    with pytest.raises(Refused, match=f"{where.capitalize()} refuses DISPATCH_PAYMENTS__KEY_ID that does not begin"):
        refuse_unfit(settings_of())
    env.setenv("DISPATCH_PAYMENTS__KEY_ID", "rzp_live_x" if where == "production" else "rzp_test_x")
    refuse_unfit(settings_of())


def test_staging_is_production_with_test_keys_and_without_senders(env: pytest.MonkeyPatch) -> None:
    for variable, value in PRODUCTION.items():
        if "SENDERS" not in variable:
            env.setenv(variable, value)
    env.setenv("DISPATCH_ENV", "staging")
    env.setenv("DISPATCH_PAYMENTS__KEY_ID", "rzp_test_x")
    settings = settings_of()
    refuse_unfit(settings)
    assert settings.is_deployed and not settings.is_production
    env.delenv("DISPATCH_FILES__FOLDER")
    with pytest.raises(Refused, match="Staging needs DISPATCH_FILES__STORE"):
        refuse_unfit(settings_of())
    env.setenv("DISPATCH_FILES__FOLDER", "/srv/files")
    env.setenv("DISPATCH_WEBHOOKS__OPEN_HOSTS", '["127.0.0.1"]')
    with pytest.raises(Refused, match="Staging refuses DISPATCH_WEBHOOKS__OPEN_HOSTS"):
        refuse_unfit(settings_of())


def test_a_slip_of_the_pen_is_said(env: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    env.chdir(tmp_path)
    env.delenv("DISPATCH_ENV_FILE", raising=False)
    (tmp_path / ".env").write_text("DISPATCH_BRAND=From the file\nDISPATCH_BRNAD=x\n")
    env.setenv("DISPATCH_HTTP__PROT", "1")
    env.setenv("DISPATCH_TOKEN_KEYS__k1", "a key of the tests, thirty-two bytes long")
    assert settings_of().brand == "From the file"
    said = capsys.readouterr().err
    assert "DISPATCH_BRNAD (did you mean DISPATCH_BRAND?)" in said and "TOKEN_KEYS" not in said
    assert "DISPATCH_HTTP__PROT (did you mean DISPATCH_HTTP__PORT?)" in said
    env.setenv("DISPATCH_BRAND", "From the environment")
    assert settings_of().brand == "From the environment"


def test_a_slip_of_the_pen_within_a_group_is_refused(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "settings"
    file.write_text("""DISPATCH_HTTP={"prot": 1, "HOST": "127.0.0.9"}\n""")
    env.setenv("DISPATCH_ENV_FILE", str(file))
    env.setenv("DISPATCH_HTTP", '{"workers": 1, "nothing_like_it": 1}')
    env.setenv("DISPATCH_DISPATCH", '{"weights": {"distnace": 1}}')
    env.setenv("DISPATCH_DISPATCH__WATCH", '{"drak_s": 1}')
    env.setenv("DISPATCH_SENDERS", '{"msg91_templates": {"any": "key"}}')
    env.setenv("DISPATCH_TIMEZONE", "Mars/Olympus")
    with pytest.raises(Refused) as caught:
        settings_of()
    said = str(caught.value)
    assert said.startswith("The settings are not valid: DISPATCH_TIMEZONE: ") and "MSG91" not in said.upper()
    for complaint in (
        "DISPATCH_HTTP: There is no 'prot' (did you mean port?)", "DISPATCH_HTTP: There is no 'nothing_like_it';",
        "DISPATCH_DISPATCH: There is no 'weights.distnace' (did you mean weights.distance?)",
        "DISPATCH_DISPATCH__WATCH: There is no 'drak_s' (did you mean dark_s?)",
    ):  # fmt: skip
        assert complaint in said
    for name in ("DISPATCH_HTTP", "DISPATCH_DISPATCH", "DISPATCH_DISPATCH__WATCH", "DISPATCH_TIMEZONE"):
        env.delenv(name)
    with pytest.raises(Refused, match=r"^The settings are not valid: DISPATCH_HTTP: There is no 'prot' \(did you mean"):
        settings_of()
    file.write_text("""DISPATCH_HTTP={"PORT": 1, "HOST": "127.0.0.9"}\n""")
    assert (settings_of().http.port, settings_of().http.host) == (1, "127.0.0.9")


def test_the_file_may_be_another_one_or_none(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    env.chdir(tmp_path)
    default = settings_of().brand
    (tmp_path / ".env").write_text("DISPATCH_BRAND=Of this folder\n")
    (tmp_path / "other").write_text("DISPATCH_BRAND=Of the other\n")
    for named, brand in ((None, "Of this folder"), (str(tmp_path / "other"), "Of the other"), ("", default)):
        env.delenv("DISPATCH_ENV_FILE", raising=False)
        if named is not None:
            env.setenv("DISPATCH_ENV_FILE", named)
        assert settings_of().brand == brand
    env.setenv("DISPATCH_ENV_FILE", "absent")
    with pytest.raises(Refused, match="There is no file absent, which DISPATCH_ENV_FILE names"):
        settings_of()


def test_bad_settings_are_all_named_in_one_sentence(env: pytest.MonkeyPatch) -> None:
    env.setenv("DISPATCH_HTTP__PORT", "99999")
    env.setenv("DISPATCH_TIMEZONE", "Mars/Olympus")
    env.setenv("DISPATCH_PROVIDERS__TIMEZONE", "Foo/Bar")
    env.setenv("DISPATCH_VAULT_KEYS", '{"k1": "short"}')
    env.setenv("DISPATCH_TOKEN_KEYS", '{"k1": "short"}')
    # No JSON: a list, a table, and an item in a list.
    env.setenv("DISPATCH_HTTP__ALLOWED_ORIGINS", "https://a.example")
    env.setenv("DISPATCH_SENDERS__MSG91_TEMPLATES", '{"code": ')
    env.setenv("DISPATCH_OTP__REGIONS", '["IN", "india"]')
    with pytest.raises(Refused) as caught:
        settings_of()
    for name in (
        "DISPATCH_HTTP__PORT", "DISPATCH_TIMEZONE", "DISPATCH_VAULT_KEYS", "DISPATCH_TOKEN_KEYS",
        "DISPATCH_PROVIDERS__TIMEZONE", "DISPATCH_OTP__REGIONS",
    ):  # fmt: skip
        assert f"{name}: " in str(caught.value)
    assert "DISPATCH_HTTP__ALLOWED_ORIGINS: Input should be a valid list in JSON" in str(caught.value)
    assert "DISPATCH_SENDERS__MSG91_TEMPLATES: Input should be a valid dictionary in JSON" in str(caught.value)


def test_a_group_that_is_no_json_hides_nothing(env: pytest.MonkeyPatch) -> None:
    env.setenv("DISPATCH_HTTP", "{")
    env.setenv("DISPATCH_HTTP__PORT", "99999")
    env.setenv("DISPATCH_HTTP__HOST", "127.0.0.9")
    env.setenv("DISPATCH_BILLING", "[1]")
    env.setenv("DISPATCH_BILLING__TAX_PCT", "101")
    env.setenv("DISPATCH_TIMEZONE", "Mars/Olympus")
    with pytest.raises(Refused) as caught:
        settings_of()
    for name in ("HTTP", "HTTP__PORT", "BILLING", "BILLING__TAX_PCT", "TIMEZONE"):
        assert str(caught.value).count(f"DISPATCH_{name}: ") == 1
    env.setenv("DISPATCH_HTTP", '{"workers": 1}')
    env.setenv("DISPATCH_HTTP__PORT", "9999")
    env.delenv("DISPATCH_TIMEZONE")
    env.delenv("DISPATCH_BILLING")
    with pytest.raises(Refused, match="^The settings are not valid: DISPATCH_BILLING__TAX_PCT: "):
        settings_of()


def test_bad_settings_of_the_file_are_named_beside_those_of_the_environment(
    env: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "settings"
    env.setenv("DISPATCH_ENV_FILE", str(file))
    env.setenv("DISPATCH_TOKEN_KEYS", "{")
    file.write_text("DISPATCH_HTTP__ALLOWED_ORIGINS=https://a.example\nDISPATCH_HTTP__PORT=x\nDISPATCH_TOKEN_KEYS=[\n")
    with pytest.raises(Refused) as caught:
        settings_of()
    for name in ("DISPATCH_HTTP__ALLOWED_ORIGINS", "DISPATCH_HTTP__PORT", "DISPATCH_TOKEN_KEYS"):
        assert str(caught.value).count(f"{name}: ") == 1
    file.write_bytes(b"DISPATCH_BRAND=\xff\n")
    with pytest.raises(Refused, match=r"The file .*settings cannot be read"):
        settings_of()


@pytest.mark.parametrize(("name", "bad", "said"), [
    ("DISPATCH_DATABASE__POOL_MIN", "21", "DISPATCH_DATABASE__POOL_MAX: is 20, less than the 21 of"),
    ("REDIS_URL", "nonsense", "REDIS_URL: must be like redis://"),
    ("DISPATCH_TELEMETRY__SENTRY_DSN", "a-secret", "DISPATCH_TELEMETRY__SENTRY_DSN: must be like https://"),
    ("DISPATCH_TELEMETRY__SENTRY_DSN", "https://a-secret@sentry.example/x", "the project a number"),
    ("DISPATCH_TELEMETRY__SENTRY_DSN", "https://sentry.example/1", "must be like https://key@host/project"),
    ("DISPATCH_TELEMETRY__SENTRY_DSN", "https://a-secret@sentry.example:x/1", "must be like https://"),
    ("DISPATCH_TELEMETRY__OTLP_URL", "collector:4318", "DISPATCH_TELEMETRY__OTLP_URL: must be like https://host"),
    ("DISPATCH_TELEMETRY__OTLP_URL", "http://collector:port", "must be like https://host"),
    ("DISPATCH_TELEMETRY__OTLP_URL", "https://:a-secret@/", "must name a host"),
    ("DISPATCH_TELEMETRY__OTLP_URL", "https://collector?key=a-secret", "must have nothing behind a ?"),
    ("DISPATCH_TELEMETRY__OTLP_URL", "https://a b", "must name a host"),
    ("DISPATCH_GEOCODER__URL", "nominatim.example", "DISPATCH_GEOCODER__URL: must be like https://host"),
    ("DISPATCH_FILES__S3_ENDPOINT", "s3.example", "DISPATCH_FILES__S3_ENDPOINT: must be like https://host"),
    ("DISPATCH_FILES__CDN_URL", "ftp://cdn.example", "DISPATCH_FILES__CDN_URL: must be like https://host"),
    ("DISPATCH_PAYMENTS__BASE_URL", "api.example", "DISPATCH_PAYMENTS__BASE_URL: must be like https://host"),
    ("DISPATCH_HTTP__PUBLIC_URL", "dispatch.example", "DISPATCH_HTTP__PUBLIC_URL: must be like https://host"),
])  # fmt: skip
def test_what_would_break_at_the_start_is_said_in_a_sentence(
    env: pytest.MonkeyPatch, name: str, bad: str, said: str
) -> None:
    env.setenv(name, bad)
    with pytest.raises(Refused) as caught:
        settings_of()
    assert said in str(caught.value) and "a-secret" not in str(caught.value)
    env.setenv("DISPATCH_DATABASE__POOL_MAX", "21")
    env.setenv("DISPATCH_TELEMETRY__SENTRY_DSN", "https://a-secret@sentry.example/below/1")
    env.setenv("DISPATCH_TELEMETRY__OTLP_URL", "http://user:a-secret@[::1]:4318/below")
    env.setenv("DISPATCH_GEOCODER__URL", "https://nominatim.example/search?key=k")
    for other in ("REDIS_URL", "DISPATCH_FILES__S3_ENDPOINT", "DISPATCH_FILES__CDN_URL", "DISPATCH_PAYMENTS__BASE_URL"):
        env.delenv(other, raising=False)
    env.delenv("DISPATCH_HTTP__PUBLIC_URL", raising=False)
    assert settings_of().database.pool_max == 21 and "a-secret" in settings_of().secret_values


def test_many_workers_need_redis(env: pytest.MonkeyPatch) -> None:
    env.setenv("DISPATCH_HTTP__WORKERS", "2")
    with pytest.raises(Refused, match="set REDIS_URL"):
        refuse_unfit(settings_of())
    env.setenv("REDIS_URL", "redis://localhost")
    refuse_unfit(settings_of())


def test_a_folder_behind_an_option_s_sign_is_at_home(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    env.setenv("HOME", str(tmp_path))
    assert settings_of(data=Path("~/ours")).data == tmp_path / "ours"


def test_beside_a_database_that_never_answers_a_command_says_so(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    env.setattr(guests, "PATIENCE_S", 0.0)
    settings, other = settings_of(data=tmp_path), EmbeddedPostgres(tmp_path)
    other.take_folder()
    try:
        with pytest.raises(Refused, match=f"Another command has {tmp_path} "), setup.shared_database(settings):
            pass
    finally:
        other.stop()


#: In a process of its own: whoever tells this one to end ends the tests.
CTRL_C = """
import asyncio, os, signal
from dispatch.cli import setup

async def work():
    os.kill(os.getpid(), signal.SIGINT)
    print("went on")

signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    with setup.stoppable():
        asyncio.run(work())
except SystemExit as e:
    print("ended with", e.code)
print("as before", signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


def test_ctrl_c_ends_also_what_gives_a_loop_no_turn() -> None:
    done = subprocess.run([sys.executable, "-c", CTRL_C], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.splitlines()) == (0, ["ended with 130", "as before True"]), done.stderr
