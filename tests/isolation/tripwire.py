"""The tripwire: looks at every statement that runs for a request, and asks in which realm it looks.

Filters stand one behind the other, so that one that is missing need not show in any answer. Here each
statement has to say the caller's realm for each of its tables that has one.
"""

import os
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.apps import apps

from realms.ids import uuid_of
from tests.isolation.mutants import TRIPWIRE_OFF
from tests.isolation.snapshot import ROOMS, tables

# Tables whose rows name no realm, and why none can be asked for.
WITHOUT_REALM = {
    "accounts_user": "people, who own realms and are no part of them",
    "accounts_user_groups": "operators",
    "accounts_user_user_permissions": "operators",
    "realms_apikeysecret": "found by digest before the realm is known, which it then tells",
    "hub_delivery": "of one inbox, whose session was found in the realm, and of no other",
    "hub_ping": "between two sessions that were found in the realm",
    "hub_signingkey": "the hub's own",
    "hub_liveprocess": "a process of the hub",
}

# Statements that say no realm, and why they may; each is a whole statement but for its numbers.
EXCEPTIONS = {
    r'SELECT .* FROM "realms_apikeysecret" .* WHERE "realms_apikeysecret"\."digest" = \?.*': (
        "the credential, which tells the realm"
    ),
    r'SELECT .* FROM "realms_realm" INNER JOIN "accounts_user" .* '
    r'WHERE \(NOT \("realms_realm"\."status" = \?\) AND "accounts_user"\."email" = \? '
    r'AND "realms_realm"\."slug" = \?\).*': ("an operator's command, which names the realm so"),
    r'SELECT .* FROM "hub_session" INNER JOIN "realms_apikey" .* INNER JOIN "realms_realm" .* '
    r'WHERE \(NOT \("hub_session"\."status" = \?\) AND "hub_session"\."id" = \?\).*': (
        "the session that a token names, which tells the realm"
    ),
    r'UPDATE "realms_apikey" SET "status" = \? WHERE "realms_apikey"\."id" = \?': (
        "saves a key that was read and locked in the realm"
    ),
    r'UPDATE "hub_grant" SET [^(]* WHERE "hub_grant"\."id" = \?': (
        "saves a grant that was read and locked in the realm"
    ),
    r'DELETE FROM "hub_memoryentry" WHERE "hub_memoryentry"\."namespace_id" IN \(\?\)': (
        "what is in a namespace that was read and locked in the realm, and goes"
    ),
    r'DELETE FROM "hub_memorynamespace" WHERE "hub_memorynamespace"\."id" IN \(\?\)': (
        "a namespace that was read and locked in the realm"
    ),
    r'DELETE FROM "realms_(invitation|membership)" WHERE "realms_\1"\."id" IN \(\?\)': (
        "what a person was offered or given, and was read and locked in the realm"
    ),
}

_PARAMETER = r"%s|%\(\w+\)s"
_WRITES = re.compile(r"\b(INSERT|UPDATE|DELETE)\b")
_WORD = re.compile(r"[a-z_]+")
_TABLE = re.compile(
    r'\b(?:FROM|JOIN|UPDATE)\s+(?:ONLY\s+)?"?(?P<table>[a-z]+_[a-z_]+)"?'
    r'(?:\s+(?:AS\s+)?(?!(?:WHERE|SET|ON|INNER|LEFT|JOIN|ORDER|FOR|GROUP|LIMIT|USING)\b)"?(?P<alias>\w+)"?)?'
)
_CONDITION = re.compile(
    r'(?:"?(?P<alias>\w+)"?\.)?"?(?P<column>\w+)"?\s*(?:=|IS NOT DISTINCT FROM)\s*'
    r"(?P<parameter>%s|%\(\w+\)s)(?:::uuid)?"
)
_SAME = re.compile(r'"?(?P<one>\w+)"?\."?\w+"?\s*(?:=\s*\(?|IN \(SELECT )"?(?P<other>\w+)"?\."?\w+"?')


@cache
def _realm_columns() -> dict[str, str]:
    """Return the column that names the realm, by table."""
    columns = {"realms_realm": "id"}
    for room in ROOMS:
        for model in apps.get_app_config(room).get_models():
            if "realm_id" in {field.column for field in model._meta.get_fields() if hasattr(field, "column")}:
                columns[model._meta.db_table] = "realm_id"
    return columns


@dataclass(frozen=True, slots=True)
class _Mention:
    """A table in a statement: its alias, where that can be said, and the part that is about it.

    Attributes:
        scope: where the query begins that it stands in; its alias is known from there to `end`.
        begin: where its conditions may begin.
    """

    table: str
    alias: str
    scope: int
    begin: int
    end: int


@dataclass
class Tripwire:
    """Wraps the execution of statements (`connection.execute_wrapper`).

    Attributes:
        realm_id: the one realm that statements may look into; None for none at all.
        faults: statements that look elsewhere.
        looked: how many were looked at that had to say a realm.
        written: the tables that one of them may have changed.
    """

    realm_id: str | None = None
    faults: list[str] = field(default_factory=list)
    looked: int = 0
    written: set[str] = field(default_factory=set)
    realm_columns: dict[str, str] = field(default_factory=_realm_columns)

    def __call__(
        self, execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        """Look at a statement, and have it run."""
        self.written |= _written(str(sql))
        if TRIPWIRE_OFF not in os.environ:
            self.look(str(sql), parameters)
        return execute(sql, parameters, many, context)

    def look(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] | None) -> None:
        """Note a fault if a statement does not say the realm."""
        of_any = _mentions(sql)
        mentions = [mention for mention in of_any if mention.table in self.realm_columns]
        if not mentions or _is_exception(sql):
            return
        self.looked += 1
        bound = {mention for mention in mentions if self._says_realm(mention, sql, parameters)}
        if '"' in sql:
            _bind_joined(sql, of_any, set(mentions), bound)
        for mention in mentions:
            if mention not in bound:
                self.faults.append(f"{mention.table} without the realm {self.realm_id}: {sql} {parameters}")

    def _says_realm(self, mention: _Mention, sql: str, parameters: Any) -> bool:
        for match in _CONDITION.finditer(sql, mention.begin, mention.end):
            if match["column"] != self.realm_columns[mention.table]:
                continue
            if match["alias"] not in (None, mention.alias):
                continue
            if match["parameter"] == "%s":
                value = parameters[sql[: match.start("parameter")].count("%s")]
            else:
                value = parameters[match["parameter"][2:-2]]
            if self.realm_id is not None and _as_uuid(value) == uuid_of(self.realm_id):
                return True
        return False


@cache
def _written(sql: str) -> frozenset[str]:
    """Return each table that a statement names, if it changes one: which one it changes does not matter."""
    return frozenset(_WORD.findall(sql)) & set(tables()) if _WRITES.search(sql) else frozenset()


@cache
def _mentions(sql: str) -> list[_Mention]:
    mentions = []
    for match in _TABLE.finditer(sql):
        begin = match.end()
        scope, end = _scope(sql, begin)
        if match[0].startswith("UPDATE"):
            # What is set is no condition.
            where = sql.find("WHERE", begin, end)
            begin = where if where >= 0 else end
        mentions.append(_Mention(match["table"], match["alias"] or match["table"], scope, begin, end))
    return mentions


def _bind_joined(sql: str, of_any: list[_Mention], of_a_realm: set[_Mention], bound: set[_Mention]) -> None:
    """Add what Django joined: a row that another's key points to is in the same realm as that other.

    A table whose rows name no realm joins none: one person is in many. What is written by hand has to say
    the realm of each table.
    """
    pairs = [
        {_named(of_any, match[side], match.start(side)) for side in ("one", "other")}
        for match in _SAME.finditer(sql)
    ]
    for _ in pairs:
        for pair in pairs:
            if pair & bound:
                bound.update(of_a_realm & pair)


def _named(mentions: list[_Mention], alias: str, at: int) -> _Mention | None:
    """Return the table that an alias means at a place: sub-queries beside each other use the same ones."""
    known = [each for each in mentions if each.alias == alias and each.scope <= at < each.end]
    return max(known, key=lambda each: each.scope, default=None)


def _scope(sql: str, at: int) -> tuple[int, int]:
    """Return where the parentheses open and close that a place stands in."""
    return at - _way_out(sql[:at][::-1], ")("), at + _way_out(sql[at:], "()")


def _way_out(text: str, in_and_out: str) -> int:
    """Return how far it is to the first parenthesis that leads out of more than the text led into."""
    depth = 0
    for place, character in enumerate(text):
        depth += (character == in_and_out[0]) - (character == in_and_out[1])
        if depth < 0:
            return place
    return len(text)


@cache
def _is_exception(sql: str) -> bool:
    plain = re.sub(_PARAMETER, "?", sql)
    return any(re.fullmatch(pattern, plain, re.DOTALL) for pattern in EXCEPTIONS)


def _as_uuid(value: Any) -> Any:
    return uuid.UUID(value) if isinstance(value, str) and len(value) in (32, 36) else value
