"""Scripts and styles of the pages: a hash in every name, kept for ever by browsers and a CDN, compressed once."""

from __future__ import annotations

import base64
import gzip
import hashlib
import importlib.util
import mimetypes
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

import orjson
from aiohttp import web

STATIC = Path(__file__).parent / "static"
PREFIX = "/assets"
#: Files of packages that are installed beside us: the name here, the package, the path in it.
PACKAGED = {
    "leaflet/leaflet.js": ("xstatic.pkg.leaflet", "data/leaflet.js"),
    "leaflet/leaflet.css": ("xstatic.pkg.leaflet", "data/leaflet.css"),
}
_SUFFIXES = frozenset({".js", ".css", ".svg", ".png", ".webmanifest"})
_HASH_CHARS = 12
#: Smaller ones gain nothing.
_COMPRESSED_FROM = 1024
_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    # Modules from a CDN are fetched across origins; there is no secret in them.
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Vary": "Accept-Encoding",
}
#: `import … from "./x.js"`, `export … from`, `import "./x.js"`; what is imported later is found by the second.
_IMPORTED = re.compile(r"""^\s*(?:import|export)\b[^"';]*?["'](\.{1,2}/[^"']+)["']""", re.MULTILINE)
_LATER = re.compile(r"""\bimport\(\s*["'](\.{1,2}/[^"']+)["']\s*\)""")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: the name that sources use, and the name with the hash that browsers ask for."""

    name: str
    hashed: str
    content_type: str
    body: bytes
    packed: bytes | None


@dataclass(frozen=True, slots=True)
class Closure:
    """What an entry needs: in `first` at once (itself last), in `later` perhaps."""

    first: tuple[str, ...]
    later: tuple[str, ...]


class Assets:
    """All of them, read once."""

    def __init__(self, folder: Path = STATIC, packaged: Mapping[str, tuple[str, str]] = PACKAGED) -> None:
        files = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.suffix in _SUFFIXES}
        files |= {name: _file_of(*place) for name, place in packaged.items()}
        self._by_name = {name: _read(name, path) for name, path in files.items()}
        self._by_hashed = {asset.hashed: asset for asset in self._by_name.values()}

    def __iter__(self) -> Iterator[Asset]:
        return iter(self._by_name.values())

    def get(self, name: str) -> Asset:
        """By its name in sources. Raises KeyError."""
        return self._by_name[name]

    def find(self, hashed: str) -> Asset | None:
        """By the name that a browser asks for."""
        return self._by_hashed.get(hashed)

    def url(self, name: str, base: str = "") -> str:
        """Where a browser gets it; `base` is the CDN's address, if there is one."""
        return f"{base}{PREFIX}/{self._by_name[name].hashed}"

    def closure(self, entry: str) -> Closure:
        """The modules that an entry reaches. Raises KeyError for an import of nothing."""
        first = self._reached([entry], _IMPORTED)
        everything = self._reached([entry], _IMPORTED, _LATER)
        return Closure(tuple(first), tuple(sorted(set(everything) - set(first))))

    def _reached(self, entries: list[str], *patterns: re.Pattern[str]) -> list[str]:
        done: dict[str, None] = {}

        def visit(name: str) -> None:
            if name in done:
                return
            done[name] = None
            source = self._by_name[name].body.decode()
            for pattern in patterns:
                for path in pattern.findall(source):
                    visit(_joined(name, path))

        for entry in entries:
            visit(entry)
        return list(reversed(done))

    def import_map(self, entry: str, base: str = "") -> str:
        """JSON that leads the modules of an entry from one another's plain names to the hashed ones."""
        reached = self.closure(entry)
        names = sorted({*reached.first, *reached.later})
        return orjson.dumps({"imports": {f"{base}{PREFIX}/{n}": self.url(n, base) for n in names}}).decode()


@lru_cache(maxsize=1)
def assets() -> Assets:
    """Those of this installation."""
    return Assets()


def csp_hash(inline: str) -> str:
    """The source expression that allows exactly this inline text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()}'"


async def serve(request: web.Request) -> web.StreamResponse:
    """One file under its hashed name; under any other there is nothing."""
    found = assets().find(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    headers = {**_HEADERS, "ETag": f'"{found.hashed}"'}
    if f'"{found.hashed}"' in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    body = found.body
    if found.packed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
        body, headers["Content-Encoding"] = found.packed, "gzip"
    return web.Response(body=body, headers={**headers, "Content-Type": found.content_type})


def add_assets(app: web.Application) -> None:
    app.router.add_get(PREFIX + "/{name:.+}", serve)


def _file_of(package: str, path: str) -> Path:
    """A package's file, without importing the package. Raises FileNotFoundError in words."""
    found = importlib.util.find_spec(package)
    for place in (found.submodule_search_locations if found else None) or ():
        if (file := Path(place) / path).is_file():
            return file
    raise FileNotFoundError(f"the package {package} is not installed: {path} is missing")


def _read(name: str, path: Path) -> Asset:
    body = path.read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:_HASH_CHARS]
    pure = PurePosixPath(name)
    packed = gzip.compress(body, 6, mtime=0) if len(body) >= _COMPRESSED_FROM and pure.suffix != ".png" else None
    kind = {".js": "text/javascript", ".webmanifest": "application/manifest+json"}.get(pure.suffix)
    kind = kind or mimetypes.guess_type(name)[0] or "application/octet-stream"
    charset = "; charset=utf-8" if kind.startswith("text/") else ""
    return Asset(name, str(pure.with_name(f"{pure.stem}.{digest}{pure.suffix}")), kind + charset, body, packed)


def _joined(name: str, path: str) -> str:
    """The name that a relative import leads to."""
    parts = list(PurePosixPath(name).parent.parts)
    for part in path.split("/"):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
