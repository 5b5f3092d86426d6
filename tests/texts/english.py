"""Every English sentence in the connectors' code, found in its syntax tree."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import connectors
from connectors.base import errors

HOME = Path(str(connectors.__file__)).parent
# A sentence begins with a capital letter or a value; a part of one, with a small letter, is told by three plain words.
SENTENCE = re.compile(r"(?=[A-Z‹]).*[A-Za-z']{2,},? [a-z]{2,}|[a-z]+,? [a-z]+,? [a-z]{2,}")
CODE = re.compile(r"[=$\\\n]|<!|\(\[|^com eu |‹1› and |\bselect |\b(ge|eq|asc|desc|like) ")
# Not for people: vendors' words that are looked for, names in the vendor's own screens, programmers' mistakes.
OTHERS = {
    "hasn't approved this consumer",
    "no client credentials user enabled",
    "not admin approved",
    "not supported on this domain",
    "too many requests",
    "account not found",
    "salesforce.com force.com",
    "Set by Tradepost so that nothing is written twice. Do not edit.",
    "Tradepost key",
    "Salesforce private key",
    "service account key",
    "pipelines of deals",
    "redirect_uri must be a loopback address",
    # said by the code of their `SecretError`
    "It must be an RSA private key in PEM, without a passphrase (-----BEGIN PRIVATE KEY-----).",
    "This is not a service account's JSON key file‹1›",
    "Make one in the Google Cloud console: IAM > Service accounts > Keys > Add key > JSON.",
    "It must hold an RSA private key and its certificate, as PEM or PFX; give its passphrase if any.",
    "The certificate lacks its RSA private key, or it is another's",
}


@dataclass(frozen=True)
class Text:
    """A literal; what an f-string puts in stands as ‹1›, ‹2› and so on."""

    file: str
    line: int
    text: str


def literals(path: Path) -> list[str]:
    """Every text in a module, f-strings with ‹1›, ‹2› in their places."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [said for node in nodes if isinstance(node, ast.Constant | ast.JoinedStr) for said in _said(node)]


def texts(path: Path) -> Iterator[Text]:
    """The literals of a module that read as English, but docstrings, keys' descriptions and secrets' errors."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    left_out = {id(node) for node in _left_out(tree)}
    file = path.relative_to(HOME).as_posix()
    for node in _walk(tree, left_out):
        for said in _said(node):
            if SENTENCE.match(said) and not CODE.search(said) and said not in OTHERS:
                yield Text(file, getattr(node, "lineno", 0), said)


ERRORS = {name for name, value in vars(errors).items() if isinstance(value, type)} | {"StateError", "StateFull"}
ERRORS |= {"EndlessResync", "Mistake", "UnusableKind"}


def raised(path: Path) -> Iterator[Text]:
    """The first argument of each error that is made in a module, where it is written there."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ERRORS and node.args:
            first = node.args[0]
            for said in _said(first) if isinstance(first, ast.Constant | ast.JoinedStr) else []:
                if re.search("[a-z]{2,} [a-z]{2,}", said):
                    yield Text(path.name, node.lineno, said)


def _walk(node: ast.AST, left_out: set[int]) -> Iterator[ast.AST]:
    if id(node) in left_out:
        return
    if isinstance(node, ast.Constant | ast.JoinedStr):
        yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant):
            continue
        yield from _walk(child, left_out)


def _left_out(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        for statement in getattr(node, "body", []) if not isinstance(node, ast.Lambda | ast.IfExp) else []:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                yield statement.value
        if isinstance(node, ast.keyword) and node.arg == "description":
            yield node.value
        # `tradepost/locale` says these by their code.
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "SecretError":
            yield node


def _said(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Constant):
        # A constant may be a template that is filled with str.format.
        return [_numbered(re.sub(r"\{\w+\}", "\0", node.value))] if isinstance(node.value, str) else []
    assert isinstance(node, ast.JoinedStr)
    return [_numbered("".join(v.value if isinstance(v, ast.Constant) else "\0" for v in node.values))]


def _numbered(text: str) -> str:
    parts = text.split("\0")
    return parts[0] + "".join(f"‹{n}›{part}" for n, part in enumerate(parts[1:], start=1))
