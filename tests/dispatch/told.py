"""Reads in the sources what people are refused with: every text that can come into an error, by whatever way.

A text is written where the error is raised, or it is a constant, stands in a table, is chosen, gathered in a variable,
handed to a function that raises it, or returned by one that is asked. What is computed stands as `Words`.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

#: What a text is passed through unchanged, or nearly so.
_SAME = {"format", "strip", "rstrip", "removesuffix", "copy", "values", "items", "capitalize", "replace"}
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_GATHERED = {"append", "add", "extend", "update", "setdefault", "insert"}
_MADE_OF = {"dict", "list", "tuple", "sorted", "str", "whole", "next", "iter", "islice"}
#: A method of an object that is not known here is looked for by its name, unless many have it.
_MOST_NAMESAKES = 3
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
#: More combinations of two halves of a text than these say nothing new.
_MOST_HALVES = 40


@dataclass(frozen=True)
class Told:
    """A text, of which field it complains (empty: of none), and where it is written."""

    where: str
    about: str
    text: str


@dataclass(frozen=True)
class Handed:
    """The text comes from whoever calls this function."""

    function: _Function
    parameter: str


@dataclass(frozen=True)
class Scope:
    """Where an expression stands: a module, and the functions around it, the innermost last."""

    module: Module
    functions: tuple[_Function, ...] = ()
    owner: str = ""


@dataclass
class Module:
    name: str
    tree: ast.Module
    functions: dict[str, list[_Function]] = field(default_factory=dict)
    constants: dict[str, list[ast.expr]] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    calls: list[tuple[ast.Call, Scope]] = field(default_factory=list)
    scopes: dict[_Function, Scope] = field(default_factory=dict)


@dataclass
class Constructor:
    """How an error is made: of a mapping of complaints, of a text, or of none but by the keyword `message`."""

    takes_fields: bool = False
    takes_text: bool = True


class Reader:
    """`errors` are the names of what is raised; those that are made in a way of their own are found by their source."""

    def __init__(self, sources: Mapping[str, str], errors: Mapping[str, Constructor]) -> None:
        self._errors = errors
        self._modules = {name: _read(name, source) for name, source in sources.items()}
        self._found: dict[Told, None] = {}
        self._handed: set[Handed] = set()
        self._scopes = {f: scope for module in self._modules.values() for f, scope in module.scopes.items()}
        self._methods: dict[str, list[_Function]] = {}
        for function, scope in self._scopes.items():
            if scope.owner:
                self._methods.setdefault(function.name, []).append(function)

    def told(self) -> list[Told]:
        """All of it."""
        waiting = [(call, scope) for module in self._modules.values() for call, scope in module.calls]
        for call, scope in waiting:
            for argument in self._raised(call, scope):
                self._keep(self._texts(argument, scope, "", frozenset()))
        done: set[Handed] = set()
        while new := self._handed - done:
            done |= new
            # A constructor is called by its class.
            names = {n for h in new for n in (h.function.name, self._scopes[h.function].owner)}
            for call, scope in waiting:
                if _last_name(call.func) in names:
                    self._read_call(call, scope, new)
        return list(self._found)

    def _read_call(self, call: ast.Call, scope: Scope, handed: set[Handed]) -> None:
        for one in handed:
            if one.function in self._functions(call.func, scope):
                argument = _argument(call, one)
                if argument is not None:
                    self._keep(self._texts(argument, scope, "", frozenset()))

    def _keep(self, texts: Iterator[Told | Handed]) -> None:
        for one in texts:
            if isinstance(one, Told):
                self._found[one] = None
            else:
                self._handed.add(one)

    def _raised(self, call: ast.Call, scope: Scope) -> Iterator[ast.expr]:
        """What of this call's arguments is said, if it makes an error."""
        name = _last_name(call.func)
        if name == "__init__" and isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Call):
            name = scope.owner + ".__init__"
        if name == "ValueError" and not scope.module.name.startswith("api."):
            return
        how = self._errors.get(name)
        if how is None:
            return
        if how.takes_text or how.takes_fields:
            yield from call.args
        yield from (k.value for k in call.keywords if k.arg == "message" or (k.arg == "fields" and how.takes_fields))

    # ------------------------------------------------------------ what an expression may read

    def _texts(self, node: ast.expr | None, scope: Scope, about: str, seen: frozenset[int]) -> Iterator[Told | Handed]:
        if node is None or id(node) in seen:
            return
        seen |= {id(node)}
        match node:
            case ast.Constant(value=str(text)):
                yield Told(f"{scope.module.name}:{node.lineno}", about, text)
            case ast.JoinedStr():
                yield Told(f"{scope.module.name}:{node.lineno}", about, _joined(node))
            case ast.BinOp(op=ast.Add()):
                yield from self._halves(node, scope, about, seen)
            case ast.Dict():
                for key, value in zip(node.keys, node.values, strict=True):
                    yield from self._texts(value, scope, about if key is None else _key(key), seen)
            case ast.Call():
                yield from self._of_call(node, scope, about, seen)
            case ast.Name():
                yield from self._of_name(node.id, scope, about, seen)
            case ast.Attribute():
                yield from self._of_attribute(node, scope, about, seen)
            case ast.Lambda():
                yield from self._texts(node.body, scope, about, seen)
            case _:
                for inner in _inside(node):
                    yield from self._texts(inner, scope, about, seen)

    def _halves(self, node: ast.BinOp, scope: Scope, about: str, seen: frozenset[int]) -> Iterator[Told | Handed]:
        told = [list(self._texts(half, scope, about, seen)) for half in (node.left, node.right)]
        halves = [[t for t in half if isinstance(t, Told)] for half in told]
        for left, right in itertools.islice(itertools.product(*halves), _MOST_HALVES):
            yield Told(left.where, left.about, left.text + right.text)

    def _of_call(self, node: ast.Call, scope: Scope, about: str, seen: frozenset[int]) -> Iterator[Told | Handed]:
        name = _last_name(node.func)
        if isinstance(node.func, ast.Attribute) and name in _SAME:
            yield from self._texts(node.func.value, scope, about, seen)
        elif isinstance(node.func, ast.Attribute) and name in ("get", "pop"):
            for one in (node.func.value, *node.args[1:]):
                yield from self._texts(one, scope, about, seen)
        elif name == "sentence" and len(node.args) == 2:
            yield from self._texts(node.args[1], scope, _key(node.args[0]), seen)
        elif isinstance(node.func, ast.Subscript | ast.Call):
            yield from self._texts(node.func, scope, about, seen)
        elif name in _MADE_OF:
            for one in (*node.args, *(k.value for k in node.keywords)):
                yield from self._texts(one, scope, about, seen)
        elif name not in self._errors:
            for function in self._functions(node.func, scope):
                yield from self._of_function(function, about, seen)

    def _of_function(self, function: _Function, about: str, seen: frozenset[int]) -> Iterator[Told | Handed]:
        for value in _answers(function):
            yield from self._texts(value, self._scopes[function], about, seen)

    def _of_name(self, name: str, scope: Scope, about: str, seen: frozenset[int]) -> Iterator[Told | Handed]:
        for depth in range(len(scope.functions), 0, -1):
            function = scope.functions[depth - 1]
            here = Scope(scope.module, scope.functions[:depth], scope.owner)
            given = list(_assigned(function, name))
            for value, key in given:
                yield from self._texts(value, here, key or about, seen)
            yield from self._gathered_elsewhere(function, name, here, about, seen)
            yield from self._of_caught(function, name, here, about, seen)
            if name in _parameters(function):
                yield Handed(function, name)
                return
            if given:
                return
        yield from self._of_constant(scope.module, name, about, seen)

    def _gathered_elsewhere(
        self, function: _Function, name: str, scope: Scope, about: str, seen: frozenset[int]
    ) -> Iterator[Told | Handed]:
        """What functions put into a mapping or a list that they are handed."""
        for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
            for place, argument in enumerate(call.args):
                if not (isinstance(argument, ast.Name) and argument.id == name):
                    continue
                for other in self._functions(call.func, scope):
                    names = [n for n in _parameters(other) if n not in ("self", "cls")]
                    if place < len(names) and id(other) not in seen:
                        for value, key in _assigned(other, names[place]):
                            inner = self._scopes[other]
                            yield from self._texts(value, inner, key or about, seen | {id(other)})

    def _of_caught(
        self, function: _Function, name: str, scope: Scope, about: str, seen: frozenset[int]
    ) -> Iterator[Told | Handed]:
        """What a ValueError says that a function was caught with, and is passed on as it stands."""
        for node in ast.walk(function):
            if isinstance(node, ast.Try) and any(h.name == name for h in node.handlers):
                waiting = [(call, scope) for part in node.body for call in ast.walk(part) if isinstance(call, ast.Call)]
                done: set[_Function] = set()
                while waiting:
                    call, where = waiting.pop()
                    if _last_name(call.func) == "ValueError":
                        for argument in call.args:
                            yield from self._texts(argument, where, about, seen)
                    for other in set(self._functions(call.func, where)) - done:
                        done.add(other)
                        inner = self._scopes[other]
                        waiting += [(c, inner) for c in ast.walk(other) if isinstance(c, ast.Call)]

    def _of_constant(self, module: Module, name: str, about: str, seen: frozenset[int]) -> Iterator[Told | Handed]:
        if name in module.constants:
            for value in module.constants[name]:
                yield from self._texts(value, Scope(module), about, seen)
        elif name in module.functions:
            for function in module.functions[name]:
                yield from self._of_function(function, about, seen)
        elif name in module.imports:
            other, inner = module.imports[name]
            if other in self._modules and inner:
                yield from self._of_constant(self._modules[other], inner, about, seen)

    def _of_attribute(
        self, node: ast.Attribute, scope: Scope, about: str, seen: frozenset[int]
    ) -> Iterator[Told | Handed]:
        module = self._named_module(node.value, scope)
        if module is not None:
            yield from self._of_constant(module, node.attr, about, seen)
        elif isinstance(node.value, ast.Name) and node.value.id in ("self", "cls", *scope.module.constants):
            yield from self._of_constant(scope.module, node.attr, about, seen)

    def _named_module(self, node: ast.expr, scope: Scope) -> Module | None:
        if isinstance(node, ast.Name) and node.id in scope.module.imports:
            other, inner = scope.module.imports[node.id]
            return self._modules.get(f"{other}.{inner}" if inner else other)
        return None

    def _functions(self, node: ast.expr, scope: Scope) -> list[_Function]:
        """Those of ours that a call may mean."""
        if isinstance(node, ast.Name):
            module, name = scope.module, node.id
            if name not in module.functions and name in module.imports:
                other, inner = module.imports[name]
                module, name = self._modules.get(other, module), inner
            return module.functions.get(name, [])
        if isinstance(node, ast.Attribute):
            found = self._named_module(node.value, scope)
            if found is not None:
                return found.functions.get(node.attr, [])
            if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
                return scope.module.functions.get(node.attr, [])
            namesakes = self._methods.get(node.attr, [])
            return namesakes if len(namesakes) <= _MOST_NAMESAKES else []
        return []


# ---------------------------------------------------------------- of the syntax


def _read(name: str, source: str) -> Module:
    module = Module(name, ast.parse(source))

    def walk(node: ast.AST, scope: Scope) -> None:
        for child in ast.iter_child_nodes(node):
            inner = scope
            if isinstance(child, _FUNCTIONS):
                inner = Scope(module, (*scope.functions, child), scope.owner)
                module.functions.setdefault(child.name, []).append(child)
                if child.name == "__init__":
                    module.functions.setdefault(scope.owner, []).append(child)
                module.scopes[child] = inner
            elif isinstance(child, ast.ClassDef):
                inner = Scope(module, scope.functions, child.name)
            elif isinstance(child, ast.Call):
                module.calls.append((child, scope))
            elif isinstance(child, ast.ImportFrom) and child.module:
                module.imports.update({a.asname or a.name: (child.module, a.name) for a in child.names})
            elif isinstance(child, ast.Assign | ast.AnnAssign) and not scope.functions and child.value is not None:
                for target in child.targets if isinstance(child, ast.Assign) else [child.target]:
                    if isinstance(target, ast.Name):
                        module.constants.setdefault(target.id, []).append(child.value)
            walk(child, inner)

    walk(module.tree, Scope(module))
    return module


def _inside(node: ast.expr) -> list[ast.expr]:
    """The expressions of which one is the value, or part of it."""
    match node:
        case ast.IfExp():
            return [node.body, node.orelse]
        case ast.BoolOp():
            return node.values
        case ast.BinOp(op=ast.BitOr()):
            return [node.left, node.right]
        case ast.List() | ast.Tuple() | ast.Set():
            return node.elts
        case ast.ListComp() | ast.GeneratorExp() | ast.SetComp():
            return [node.elt]
        case ast.DictComp() | ast.NamedExpr() | ast.Await() | ast.Starred() | ast.Subscript():
            return [node.value]
        case ast.BinOp(op=ast.Mod()):
            return [node.left]
    return []


def _assigned(function: _Function, name: str) -> Iterator[tuple[ast.expr, str]]:
    """What a variable is given in a function, or gathers, and under which key."""
    for node in ast.walk(function):
        match node:
            case ast.Assign():
                for target in node.targets:
                    yield from _to_target(target, node.value, name)
            case ast.AnnAssign(value=ast.expr() as value) | ast.AugAssign(value=value) | ast.NamedExpr(value=value):
                yield from _to_target(node.target, value, name)
            case ast.For() | ast.AsyncFor() | ast.comprehension():
                # Of pairs that are gone through every half is meant.
                if any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(node.target)):
                    yield node.iter, ""
            case ast.Call(func=ast.Attribute(attr=attr)) if attr in _GATHERED and _root(node.func) == name:
                yield from ((argument, "") for argument in node.args)


def _to_target(target: ast.expr, value: ast.expr, name: str) -> Iterator[tuple[ast.expr, str]]:
    if isinstance(target, ast.Name) and target.id == name:
        yield value, ""
    elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and target.value.id == name:
        yield value, _key(target.slice)
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for one, its in zip(target.elts, value.elts, strict=True):
            yield from _to_target(one, its, name)


def _answers(function: _Function) -> Iterator[ast.expr]:
    """What a function returns or yields, but for those inside it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (*_FUNCTIONS, ast.Lambda, ast.ClassDef)):
            continue
        if isinstance(node, ast.Return | ast.Yield | ast.YieldFrom) and node.value is not None:
            yield node.value
        waiting += ast.iter_child_nodes(node)


def _joined(node: ast.JoinedStr) -> str:
    """A literal as it will read; whatever is filled in stands as a word."""
    said = "".join(str(v.value) if isinstance(v, ast.Constant) else "words" for v in node.values)
    return said[:1].upper() + said[1:] if not isinstance(node.values[0], ast.Constant) else said


def _key(node: ast.expr) -> str:
    """The field that a text stands for; the keys of other tables are none."""
    is_field = isinstance(node, ast.Constant) and isinstance(node.value, str) and _FIELD.fullmatch(node.value)
    return str(node.value) if is_field and isinstance(node, ast.Constant) else "a_field"


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _last_name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _parameters(function: _Function) -> list[str]:
    spec = function.args
    return [a.arg for a in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)]


def _argument(call: ast.Call, handed: Handed) -> ast.expr | None:
    """What a call hands to a function for this parameter."""
    for keyword in call.keywords:
        if keyword.arg == handed.parameter:
            return keyword.value
    names = [n for n in _parameters(handed.function) if n not in ("self", "cls")]
    place = names.index(handed.parameter) if handed.parameter in names else len(call.args)
    return call.args[place] if place < len(call.args) else None
