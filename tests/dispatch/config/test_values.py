"""How values of a kind must look: addresses with a password in them, of which nothing is quoted."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from pydantic import ValidationError

from dispatch.config import Settings

URLS = {
    "DATABASE_URL": "postgresql://user:{}@db:5432/dispatch", "REDIS_URL": "redis://:{}@cache:6379/0",
    "DISPATCH_DATABASE__REPLICA_URL": "postgresql://user:{}@standby/dispatch?sslmode=require",
    "DISPATCH_BACKUP__URL": "postgresql://user:{}@a:1,b:2/dispatch",
}  # fmt: skip


@pytest.mark.parametrize("name", URLS)
@pytest.mark.parametrize("mark", "/#@?[")
def test_a_password_that_is_not_encoded_is_refused_and_never_quoted(
    env: pytest.MonkeyPatch, name: str, mark: str
) -> None:
    for password in (f"1234{mark}hush", f"hush{mark}1234", f"{mark}hush", f"hush{mark}", f"hush{mark}@/#"):
        env.setenv(name, URLS[name].format(password))
        with pytest.raises(ValidationError, match="of a password percent-encoded") as caught:
            Settings()
        assert "hush" not in str(caught.value) and "1234" not in str(caught.value)
    # What needs no encoding may stand as it is.
    encoded = quote(f"hush{mark}1234", safe="") + "!"
    env.setenv(name, URLS[name].format(encoded))
    settings = Settings()
    assert {f"hush{mark}1234!", encoded} <= set(settings.secret_values)
    assert "hush" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", "nonsense"), ("DATABASE_URL", "mysql://u:hush@h/d"), ("DATABASE_URL", "//u:hush@h/d"),
        ("DATABASE_URL", "postgresql://u:hush@h:port/d"), ("DATABASE_URL", "postgresql://u:hush@h:70000/d"),
        ("DATABASE_URL", "postgresql://u:hush@a:1,b:x/d"), ("REDIS_URL", "nonsense"), ("REDIS_URL", "http://h:6379"),
        ("REDIS_URL", "redis://h:x/0"), ("REDIS_URL", "redis://:hush@:6379/0"), ("REDIS_URL", "redis://h/hush"),
    ],
)  # fmt: skip
def test_an_address_has_a_scheme_a_host_and_a_port(env: pytest.MonkeyPatch, name: str, url: str) -> None:
    env.setenv(name, url)
    with pytest.raises(ValidationError, match=name) as caught:
        Settings()
    assert "hush" not in str(caught.value) and url not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", "postgresql:///d?host=/run/postgresql&user=u"), ("DATABASE_URL", "postgres://u@[::1]:5432/d"),
        ("DATABASE_URL", "postgresql://u:pass%word@%2Frun%2Fpostgresql/d"), ("REDIS_URL", "unix:///run/redis.sock?db=1"),
        ("REDIS_URL", "rediss://u:p@cache"), ("REDIS_URL", "redis://[::1]:6379/1"),
    ],
)  # fmt: skip
def test_every_usual_form_of_an_address_is_taken(env: pytest.MonkeyPatch, name: str, url: str) -> None:
    env.setenv(name, url)
    assert url in (Settings().database_url, Settings().redis_url)
