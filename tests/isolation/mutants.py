"""Mutants: every filter that keeps realms apart, found in the source, and the text without it."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TRIPWIRE_OFF = "ISOLATION_WITHOUT_TRIPWIRE"  # set in the environment of a run that looks at answers alone

ROOMS = ("hub", "realms")
FILTERING = {"filter", "get", "exclude"}
# Keywords of a query that hold it to a realm or to a key of one.
KEEPING = re.compile(r"(\w+__)?realm(_id)?|key_id")
# What else is compared to tell whether something is the caller's.
COMPARED = {"realm_id", "realm_slug", "key_id", "sub"}
TOKENS_SESSION = "token.session_id"
IN_SQL = re.compile(r"(\w+\.)?(realm_id|key_id) (=|IS NOT DISTINCT FROM) %\((realm|key)\)s::uuid")
IN_SALT = re.compile(r"\{[\w.]*\brealm_id\}")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A file without one filter.

    Attributes:
        begin: where the filter stands in the text, and `end` where it ends.
        instead: what stands there in the mutant.
        in_sql: it is part of a statement for PostgreSQL alone.
    """

    path: str
    line: int
    begin: int
    end: int
    instead: str
    removed: str
    in_sql: bool = False

    def __str__(self) -> str:
        return f"{self.path}:{self.line}  {' '.join(self.removed.split())}"

    def applied_to(self, text: str) -> str:
        """Return the file's text without the filter."""
        return text[: self.begin] + self.instead + text[self.end :]


def mutants(root: Path) -> list[Mutant]:
    """Return the mutants of all filters below `root`."""
    files = sorted(path for room in ROOMS for path in (root / room).rglob("*.py"))
    return [
        mutant
        for path in files
        if "migrations" not in path.parts
        for mutant in _Finder(str(path.relative_to(root)), path.read_text()).found()
    ]


class _Finder:
    """Finds the filters in one file."""

    def __init__(self, path: str, text: str) -> None:
        self.path, self.text = path, text
        self.lines = [0]
        for line in text.splitlines(keepends=True):
            self.lines.append(self.lines[-1] + len(line))

    def found(self) -> list[Mutant]:
        """Return the mutants in the order of the text."""
        mutants = [mutant for node in ast.walk(ast.parse(self.text)) for mutant in self._of(node)]
        return sorted(set(mutants), key=lambda mutant: mutant.begin)

    def _of(self, node: ast.AST) -> Iterator[Mutant]:
        match node:
            case ast.Call(func=ast.Attribute(value=queryset, attr="in_realm" | "ever_in_realm" as method)):
                # Sessions lose the realm, and are still without those that are deregistered.
                is_live = method == "in_realm" and "Session" in ast.unparse(queryset)
                rest = '.exclude(status="deregistered")' if is_live else ".all()"
                yield self._mutant(self._end(queryset), self._end(node), rest)
            case ast.Call(func=ast.Attribute(attr="check_realm")):
                yield self._mutant(self._begin(node), self._end(node), "None")
            case ast.Call(func=ast.Attribute(attr=method)) if method in FILTERING:
                for keyword in node.keywords:
                    if keyword.arg and (
                        KEEPING.fullmatch(keyword.arg) or TOKENS_SESSION in ast.unparse(keyword.value)
                    ):
                        yield self._without(keyword)
            case ast.Compare(ops=[ast.NotEq()]) if self._compares(node):
                yield self._mutant(self._begin(node), self._end(node), "False")
            case ast.Compare(ops=[ast.Eq(), *_]) if self._compares(node):
                yield self._mutant(self._begin(node), self._end(node), "True")
            case ast.Constant(value=str()) | ast.JoinedStr():
                yield from self._in_text(node)

    @staticmethod
    def _compares(node: ast.Compare) -> bool:
        sides = [node.left, *node.comparators]
        names = [side.attr for side in sides if isinstance(side, ast.Attribute)]
        return bool(COMPARED & set(names)) or TOKENS_SESSION in ast.unparse(node)

    def _without(self, keyword: ast.keyword) -> Mutant:
        end = self._end(keyword)
        comma = re.compile(r"\s*,\s*").match(self.text, end)
        return self._mutant(self._begin(keyword), comma.end() if comma else end, "")

    def _in_text(self, node: ast.Constant | ast.JoinedStr) -> Iterator[Mutant]:
        begin, end = self._begin(node), self._end(node)
        in_sql = isinstance(node, ast.Constant)
        for match in (IN_SQL if in_sql else IN_SALT).finditer(self.text, begin, end):
            yield self._mutant(match.start(), match.end(), "TRUE" if in_sql else "", in_sql=in_sql)

    def _mutant(self, begin: int, end: int, instead: str, *, in_sql: bool = False) -> Mutant:
        line = self.text.count("\n", 0, begin) + 1
        return Mutant(self.path, line, begin, end, instead, self.text[begin:end], in_sql)

    def _begin(self, node: ast.expr | ast.keyword) -> int:
        return self._offset(node.lineno, node.col_offset)

    def _end(self, node: ast.expr | ast.keyword) -> int:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._offset(node.end_lineno, node.end_col_offset)

    def _offset(self, line: int, column_bytes: int) -> int:
        """Return where a position of the parser's, which counts bytes in a line, is in the text."""
        start = self.lines[line - 1]
        return start + len(self.text[start:].encode()[:column_bytes].decode())
