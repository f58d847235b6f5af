"""Every kind of caller, and what each gets for the owner's own call."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from realms.ids import SESSION, new_id
from realms.models import Realm
from tests.isolation.table import Form, Row
from tests.isolation.tokens import forged_for_hub, hub_signed, overdue, self_signed
from tests.isolation.worlds import World

Headers = Mapping[str, str]
Gets = Callable[[Row, Form], str | int]


@dataclass(frozen=True, slots=True)
class Caller:
    """A kind of caller.

    Attributes:
        credential: its headers.
        gets: what it gets for the owner's call: a code, or 200.
        realm: the realm in which it is looked for; None if nothing is looked up.
        within: it belongs to alice's realm and is let in, so that what exists there may show.
    """

    name: str
    credential: Callable[[World], Headers]
    gets: Gets
    realm: Callable[[World], Realm | None] = lambda world: None
    within: bool = False

    def __str__(self) -> str:
        return self.name


def key(plaintext: Callable[[World], str | None]) -> Callable[[World], Headers]:
    """Return the credential of whoever presents a key."""
    return lambda world: {"X-AISP-Key": str(plaintext(world))}


def token(jwt: Callable[[World], str | None]) -> Callable[[World], Headers]:
    """Return the credential of whoever presents a token."""
    return lambda world: {"Authorization": f"Bearer {jwt(world)}"}


def refused(code: str) -> Gets:
    """Return what a caller gets who is not let in."""
    return lambda row, form: code


def _stranger(row: Row, form: Form) -> str | int:
    return row.stranger_of(form)


def _neighbour(row: Row, form: Form) -> str | int:
    return row.neighbour


def _neighbours_token(row: Row, form: Form) -> str | int:
    return "api_key_required" if row.by_key_alone else row.neighbour


def _alices(world: World) -> Realm:
    return world.alice.realm


def _mallorys(world: World) -> Realm:
    return world.mallory.realm


def _suspended(world: World) -> Realm:
    return world.suspended


def _typo(world: World) -> str:
    good = str(world.alice.agent.key)
    return good[:-1] + ("1" if good[-1] == "0" else "0")


def _forged(*places: str) -> Callable[[World], str]:
    """Return a token that mallory's session signs and that says alice's in these places."""
    return lambda world: self_signed(world.mallory.session, **dict.fromkeys(places, world.alice.agent.id))


def _nobodys(world: World) -> str:
    """Return a token that mallory's session signs for one that does not exist."""
    nobody = new_id(SESSION)
    return self_signed(world.mallory.session, kid=nobody, iss=nobody, sub=nobody)


def _token_of(what: str) -> Callable[[World], str]:
    """Return the token of a session whose key is so."""
    return lambda world: self_signed(world.sessions[what])


UNAUTHENTICATED = refused("invalid_credentials")

NOT_LET_IN = (
    Caller("nobody", lambda world: {}, UNAUTHENTICATED),
    Caller("a key with a typo", key(_typo), UNAUTHENTICATED),
    Caller("a key that is none", key(lambda w: "x"), UNAUTHENTICATED),
    Caller("a key never issued", key(lambda w: w.keys["never issued"]), UNAUTHENTICATED),
    Caller("a key as a token", token(lambda w: w.alice.agent.key), UNAUTHENTICATED),
    Caller("a token that is none", token(lambda w: "x"), UNAUTHENTICATED),
    Caller(
        "both kinds at once",
        lambda w: {
            **key(lambda w: w.alice.agent.key)(w),
            **token(lambda w: self_signed(w.alice.session))(w),
        },
        refused("ambiguous_credentials"),
    ),
    Caller("a disabled key", key(lambda w: w.keys["disabled"]), UNAUTHENTICATED, _alices),
    Caller("a revoked key", key(lambda w: w.keys["revoked"]), refused("key_revoked"), _alices),
    Caller("an expired key", key(lambda w: w.keys["expired"]), refused("key_expired"), _alices),
    Caller("a secret after its grace", key(lambda w: w.keys["rotated out"]), refused("key_expired"), _alices),
    Caller(
        "a suspended realm's key",
        key(lambda w: w.keys["suspended"]),
        refused("realm_suspended"),
        _suspended,
    ),
    Caller("an overdue token", token(lambda w: overdue(w.alice.session)), UNAUTHENTICATED),
    Caller("a token of a session that left", token(lambda w: self_signed(w.alice.left)), UNAUTHENTICATED),
    *(
        Caller(f"a token whose key is {what}", token(_token_of(what)), UNAUTHENTICATED, _alices)
        for what in ("disabled", "revoked", "expired")
    ),
    Caller(
        "a suspended realm's token",
        token(_token_of("suspended")),
        refused("realm_suspended"),
        _suspended,
    ),
    *(
        Caller(
            f"another realm's token that says alice's in {' and '.join(places)}",
            token(_forged(*places)),
            UNAUTHENTICATED,
        )
        for places in (("kid",), ("sub",), ("iss", "sub"), ("kid", "iss"), ("kid", "iss", "sub"))
    ),
    Caller("a token of a session that is nowhere", token(_nobodys), UNAUTHENTICATED),
    Caller(
        "another realm's token in the hub's name",
        token(lambda w: forged_for_hub(w.alice.session, by=w.mallory.session)),
        UNAUTHENTICATED,
    ),
)

LET_IN = (
    Caller("another realm's key", key(lambda w: w.mallory.agent.key), _stranger, _mallorys),
    Caller("another realm's second key", key(lambda w: w.mallory.neighbour.key), _stranger, _mallorys),
    Caller("another realm's token", token(lambda w: self_signed(w.mallory.session)), _stranger, _mallorys),
    Caller(
        "another realm's token of the hub's",
        token(lambda w: hub_signed(w.mallory.session)),
        _stranger,
        _mallorys,
    ),
    Caller(
        "another key of the realm", key(lambda w: w.alice.neighbour.key), _neighbour, _alices, within=True
    ),
    *(
        Caller(f"{whose} of the realm", token(made), _neighbours_token, _alices, within=True)
        for whose, made in (
            ("a token of another key's session", lambda w: self_signed(w.alice.neighbour.session)),
            ("a token of another session of the key", lambda w: self_signed(w.alice.third)),
            ("a token of the hub's for another session of the key", lambda w: hub_signed(w.alice.third)),
        )
    ),
)


def _without_scope(scope: str) -> Iterator[Caller]:
    """Yield those whose credential is good for this scope alone, which is not the one that is needed."""
    for what, credential in (
        ("key", key(lambda w: w.keys[scope])),
        ("token", token(lambda w: self_signed(w.alice.session, scope=scope))),
    ):
        yield Caller(f"a {what} that may only {scope}", credential, refused("scope_missing"), _alices)


def callers_of(row: Row) -> Iterator[Caller]:
    """Yield the kinds of callers that a row has to do with."""
    yield from NOT_LET_IN
    yield from LET_IN
    yield from _without_scope("write" if row.method == "GET" else "read")
