"""What the doctor says of the read replica."""

from __future__ import annotations

from pydantic import SecretStr

from dispatch.cli.doctor.hosts import replica_of
from dispatch.config import Settings
from dispatch.config.stores import Database
from tests.doors import one_door


async def test_the_replica_is_looked_at_by_its_own_name(fresh_dsn: str) -> None:
    assert await replica_of(Settings(env="test")) == []
    async with one_door(fresh_dsn) as (door, dsn):
        settings = Settings(env="test", database=Database(replica_url=SecretStr(dsn)))
        (found,) = await replica_of(settings)
        assert (found.what, found.verdict) == ("read replica", "ok") and f"127.0.0.1:{door.port}" in found.seen
        await door.close()
        (found,) = await replica_of(settings)
        assert found.verdict == "wrong" and "DISPATCH_DATABASE__REPLICA_URL" in found.remedy
