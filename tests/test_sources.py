"""Nothing stands in the product that nobody uses, and no pattern that reads input can take long."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
#: Named once and yet not dead, and why.
EXCUSED = {
    "handle_error": "aiohttp calls it", "log_exception": "aiohttp calls it", "feed_data": "aiohttp calls it",
    "feed_eof": "aiohttp calls it", "trigger_event": "python-socketio calls it",
    "_engineio_server_class": "python-socketio calls it",
    "PartnerApi": "of the client for integrators", "read_webhook": "of the client for integrators",
    "FAST": "of databases that only tests make", "unconfigure": "ends what a test has configured",
    "OWNED": "the walks over all lists read it", "NOTHING": "the walks over all permissions begin with it",
    "card_data_in": "the whole of what a walk looks for piece by piece", "grant_of": "what the guard's tests look at",
    "record_waiting": "what the loop does, once", "webhook_signature": "what a gateway signs with",
    "haversine_many_m": "what distances are held against",
}  # fmt: skip


#: Repeats within repeats that can be read in one way only, by file: what ends each round can't stand inside it.
ONE_WAY = {
    "api/realtime/handshake.py": "every header ends with its line",
    "dispatch/wording.py": "every part of a name begins with a line or a capital, and only names of fields come here",
    "dispatch/urls.py": "every number of an address but the first begins with a dot",
}
_READS = {"compile", "match", "search", "fullmatch", "sub", "split", "findall", "finditer"}


def sources() -> dict[Path, str]:
    found = (path for part in ("api", "dispatch", "geo", "storage") for path in (ROOT / part).rglob("*.py"))
    return {path.relative_to(ROOT): path.read_text() for path in found}


@cache
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(text) for path, text in sources().items()}


def named(tree: ast.Module) -> Iterator[str]:
    """Every module or name of one that a file imports, late and for types alone included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "modules are imported by their whole names"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports(files: Mapping[Path, ast.Module]) -> dict[str, set[str]]:
    """Which of the modules each one imports; what holds a module is loaded with it and is no import of its own."""
    modules = {".".join(path.with_suffix("").parts).removesuffix(".__init__"): tree for path, tree in files.items()}
    found: dict[str, set[str]] = {}
    for name, tree in modules.items():
        meant = {n if n in modules else n.rpartition(".")[0] for n in named(tree)}
        found[name] = {n for n in meant & modules.keys() if n != name and not name.startswith(f"{n}.")}
    return found


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle, the first one again at its end; nothing where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = imports(trees())
    assert graph["dispatch.errors"] == {"dispatch.wording"}
    assert circle(graph) == []


def test_a_circle_would_be_found() -> None:
    for_types = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from geo.b import B"
    late = "def f():\n    import geo.a"
    files = {Path("geo/a.py"): for_types, Path("geo/b.py"): "from geo import c", Path("geo/c.py"): late}
    assert set(circle(imports({path: ast.parse(text) for path, text in files.items()}))) == {"geo.a", "geo.b", "geo.c"}


def defined(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Functions, methods and classes that nobody registers by a decorator, and constants."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.decorator_list:
            yield node.name, node.lineno
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        targets = [statement.target] if isinstance(statement, ast.AnnAssign) else targets
        yield from ((target.id, statement.lineno) for target in targets if isinstance(target, ast.Name))


def unused(texts: Iterable[str], files: Mapping[Path, ast.Module]) -> dict[str, str]:
    """What is named nowhere but where it is defined, and where that is."""
    words = Counter(word for text in texts for word in re.findall(r"\w+", text))
    return {
        name: f"{path}:{line}"
        for path, tree in files.items()
        for name, line in defined(tree)
        if words[name] < 2 and not name.startswith("__")
    }


def test_what_nobody_uses_is_not_there() -> None:
    found = unused(sources().values(), trees())
    assert {name: where for name, where in found.items() if name not in EXCUSED} == {}
    there = {name for tree in trees().values() for name, _ in defined(tree)}
    assert EXCUSED.keys() <= there, "an excuse of what is gone goes too"


def test_what_nobody_uses_would_be_found() -> None:
    text = "LEFT = 1\nUSED = 2\ndef left(): ...\nclass Used:\n    def also_left(self): return USED\nprint(Used)"
    assert unused([text], {Path("a.py"): ast.parse(text)}).keys() == {"LEFT", "left", "also_left"}


def patterns(tree: ast.Module) -> Iterator[str | bytes]:
    """Every pattern that is written as a literal, for `re` or for a field of a model."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        written = [keyword.value for keyword in call.keywords if keyword.arg == "pattern"]
        is_read = isinstance(call.func, ast.Attribute) and call.func.attr in _READS
        if is_read and isinstance(call.func.value, ast.Name) and call.func.value.id == "re":  # type: ignore[attr-defined]
            written += call.args[:1]
        values = (one.value for one in written if isinstance(one, ast.Constant))
        yield from (value for value in values if isinstance(value, str | bytes))


def is_nested(parsed: Any, *, inside: bool = False) -> bool:
    """Whether something that repeats without end repeats without end itself."""
    if not isinstance(parsed, list | tuple | type(_parser.parse(""))):
        return False
    for part in parsed:
        if isinstance(part, tuple) and len(part) == 2 and part[0] in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
            is_endless = part[1][1] is _constants.MAXREPEAT
            if (is_endless and inside) or is_nested(part[1][2], inside=inside or is_endless):
                return True
        elif is_nested(part, inside=inside):
            return True
    return False


def test_no_pattern_has_a_repeat_within_a_repeat() -> None:
    """Of what matches in many ways a text that does not match is tried in all of them."""
    read = [(path, pattern) for path, tree in trees().items() for pattern in patterns(tree)]
    assert len(read) > 80
    nested = {str(path) for path, pattern in read if is_nested(_parser.parse(pattern))}  # type: ignore[type-var]
    assert nested == ONE_WAY.keys()


@pytest.mark.parametrize(
    ("pattern", "nested"),
    [
        (r"(a+)+", True), (r"^(\w*\s?)*$", True), (r"(?:x|(?:a*b?)*)c", True), (r"(?=(a+)+)b", True), (r"a+b*", False),
        (r"(a{1,9})*", False), (r"(ab)*(cd)+", False),
    ],
)  # fmt: skip
def test_a_repeat_within_a_repeat_is_seen(pattern: str, nested: bool) -> None:
    assert is_nested(_parser.parse(pattern)) is nested


#: What Playwright reads at once, whether or not the page is drawn by then.
_AT_ONCE = re.compile(
    r"\.(all_(inner_texts|text_contents)|is_(checked|disabled|enabled|visible|hidden|editable)|count)\(\)"
)


def test_no_test_of_a_page_looks_before_the_page_can_be_there() -> None:
    found = [
        f"{path.name}:{at}" for path in (ROOT / "tests" / "console").glob("test_*.py")
        for at, line in enumerate(path.read_text().splitlines(), 1) if _AT_ONCE.search(line)
    ]  # fmt: skip
    assert found == [], "say it with expects() or texts() of tests/console/browsing.py"


def test_no_test_enters_what_it_may_not_leave() -> None:
    """What a test leaves open ends whenever garbage is collected: in the middle of another test."""
    found = [
        f"{path.name}:{at}" for path in ROOT.glob("tests/**/test_*.py")
        # Generated clients have environments and packages of their own below tests/clients.
        if path != Path(__file__) and "clients" not in path.relative_to(ROOT).parts[:-2]
        for at, line in enumerate(path.read_text().splitlines(), 1) if re.search(r"\.__a?enter__\(", line)
    ]  # fmt: skip
    assert found == [], "enter it in an ExitStack"
