"""Settings: from the environment, refused in words, and documented in the README."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from dispatch.config import Settings


def test_the_defaults_are_the_design_s(env: pytest.MonkeyPatch) -> None:
    s = Settings()
    assert (s.dispatch.offer_window_s, s.dispatch.offer_window_min_s, s.dispatch.lead_s) == (900, 60, 3600)
    assert (s.dispatch.fresh_fix_s, s.dispatch.live_horizon_s, s.dispatch.min_rating) == (90, 7200, 4.0)
    assert (s.billing.tax_pct, s.billing.technician_share_pct, s.billing.preview_s) == (18, 70, 120)
    assert (s.tokens.access_s, s.tokens.refresh_s, s.http.trusted_hops) == (900, 604_800, 0)
    assert not s.payments.is_configured


def test_the_environment_reaches_every_level(env: pytest.MonkeyPatch) -> None:
    env.setenv("DATABASE_URL", "postgresql://a/b")
    env.setenv("DISPATCH_HTTP__ALLOWED_ORIGINS", '["https://a.example"]')
    env.setenv("DISPATCH_DISPATCH__WEIGHTS__DISTANCE", "0.7")
    s = Settings()
    assert s.database_url == "postgresql://a/b"
    assert s.http.allowed_origins == ["https://a.example"]
    assert s.dispatch.weights.distance == 0.7
    assert s.dispatch.weights.rating == Settings.model_fields["dispatch"].default.weights.rating


def test_of_several_hosts_the_one_that_takes_writes_is_wanted(env: pytest.MonkeyPatch) -> None:
    env.setenv("DATABASE_URL", "postgresql://u:p@a:5432,b:5433/d?sslmode=require")
    assert Settings().database_url.endswith("/d?sslmode=require&target_session_attrs=read-write")
    assert "p" in Settings().secret_values
    for said in ("postgresql://u@a,b/d?target_session_attrs=any", "postgresql://u@a/d", ""):
        env.setenv("DATABASE_URL", said)
        assert Settings().database_url == said


def test_settings_do_not_change(env: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError):
        Settings().env = "production"  # type: ignore[misc]


@pytest.mark.parametrize("name", ["DISPATCH_BACKUP__KEEP_DAYS", "DISPATCH_DISPATCH__HISTORY_DAYS"])
def test_so_many_days_that_no_date_is_left_are_refused(env: pytest.MonkeyPatch, name: str) -> None:
    env.setenv(name, "36500")
    Settings()
    env.setenv(name, "999999")
    with pytest.raises(ValidationError, match="36500"):
        Settings()


def test_what_stands_for_the_home_is_the_home_wherever_it_is_written(
    env: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    env.setenv("HOME", str(tmp_path))
    for name in ("DISPATCH_DATA", "DISPATCH_FILES__FOLDER", "DISPATCH_BACKUP__FOLDER"):
        env.setenv(name, "~/ours")
    s = Settings()
    assert s.data == s.files.folder == s.backup.folder == tmp_path / "ours"
    env.setenv("DISPATCH_DATA", "~nobody-of-this-name/ours")
    with pytest.raises(ValidationError, match="~nobody-of-this-name"):
        Settings()
