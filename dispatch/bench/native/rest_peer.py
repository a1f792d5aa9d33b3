"""FastAPI + uvicorn beside us: our own bytes from memory, and one row by the same statement and token check.

rest_peer.py PORT BODY SETTINGS; SETTINGS is a file with {"dsn", "keys", "statement"} as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import jwt
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request, Response

SETTINGS = json.loads(Path(sys.argv[3]).read_text())
BODY = Path(sys.argv[2]).read_bytes()
pools: list[Any] = []


@asynccontextmanager
async def life(_: FastAPI) -> AsyncIterator[None]:
    pools.append(await asyncpg.create_pool(SETTINGS["dsn"], min_size=2, max_size=20))
    print("ready", flush=True)
    yield
    await pools[0].close()


app = FastAPI(lifespan=life)


@app.get("/v1/services/catalog")
async def catalog() -> Response:
    headers = {"ETag": '"x"', "Cache-Control": "public, max-age=60"}
    return Response(BODY, media_type="application/json", headers=headers)


async def caller(request: Request) -> UUID:
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    try:
        key = SETTINGS["keys"][jwt.get_unverified_header(token)["kid"]].encode("latin-1")
        claims = jwt.decode(token, key, algorithms=["HS256"], audience="dispatch:customer", issuer="dispatch")
    except (jwt.PyJWTError, KeyError) as error:
        raise HTTPException(401) from error
    return UUID(claims["sub"])


@app.get("/v1/auth/me")
async def me(account_id: Annotated[UUID, Depends(caller)]) -> dict[str, Any]:
    async with pools[0].acquire() as conn:
        row = await conn.fetchrow(SETTINGS["statement"], account_id)
    return {"success": True, "data": dict(row)}


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)
