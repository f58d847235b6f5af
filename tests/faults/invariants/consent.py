"""What needs a grant works under an approved one alone, and not after its end."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults.history import Call, Outcome
from tests.faults.invariants.violation import Violation
from tests.faults.view import View

ALREADY_ENDED = "grant_already_ended"
DELEGATE = "delegate.receive"
MEMORY = "memory.read"
FOREVER = float("inf")


@dataclass(frozen=True)
class Use:
    """An operation that succeeded and needed a grant.

    Attributes:
        ended: when its answer had come; infinite if none did, but its effect shows.
    """

    requester: str
    grantor: str
    capability: str
    began: float
    began_wall: float
    ended: float
    what: str


@dataclass(frozen=True)
class Life:
    """Between which moments a grant may have been active."""

    grant: str
    approved: float
    ended: float
    expires_wall: float

    def may_cover(self, use: Use) -> bool:
        """Tell whether the grant can have been active at some moment of the operation."""
        return self.approved <= use.ended and use.began <= self.ended and use.began_wall < self.expires_wall


def only_under_a_grant(view: View) -> Iterator[Violation]:
    """(5) No operation succeeds that began after its grant had ended, or before one was given."""
    lives = _lives(view)
    for use in _uses(view):
        given = lives.get((use.requester, use.grantor, use.capability), [])
        if not any(life.may_cover(use) for life in given):
            who = f"{view.name_of(use.requester)} on {view.name_of(use.grantor)}"
            yield Violation("without_consent", f"{who}: {use.what} began {use.began:.3f}; grants: {given}")


def _lives(view: View) -> dict[tuple[str, str, str], list[Life]]:
    approved: dict[str, float] = {}
    revoked: dict[str, float] = {}
    for call in view.history.calls("approve", "revoke"):
        grant = call.arguments["grant"]
        if call.verb == "approve" and call.outcome is not Outcome.REFUSED:
            approved[grant] = min(approved.get(grant, FOREVER), call.began)
        elif call.verb == "revoke" and (call.ok or call.code == ALREADY_ENDED):
            revoked[grant] = min(revoked.get(grant, FOREVER), call.ended)
    lives: dict[tuple[str, str, str], list[Life]] = {}
    for call in view.history.calls("request"):
        grant = call.answer["grant_id"] if call.ok else ""
        if grant in approved:
            arguments = call.arguments
            expires = arguments["expires_wall"] or FOREVER
            life = Life(grant, approved[grant], revoked.get(grant, FOREVER), expires)
            lives.setdefault((call.session, arguments["to"], arguments["capability"]), []).append(life)
    return lives


def _uses(view: View) -> Iterator[Use]:
    for call in view.history.calls("read_memory"):
        if call.ok:
            yield _use(call, call.arguments["owner"], MEMORY, call.ended)
    for send in view.sends.values():
        if send.envelope[0] != "delegate":
            continue
        first = min(send.tries, key=lambda each: each.began)
        for recipient in send.recipients:
            stands = bool(view.placed.get(recipient, {}).get(send.token))
            if send.outcome is Outcome.OK or stands:
                yield _use(first, recipient, DELEGATE, send.acknowledged)


def _use(call: Call, grantor: str, capability: str, ended: float) -> Use:
    what = f"{call.verb} {call.arguments.get('token', '')}".strip()
    return Use(call.session, grantor, capability, call.began, call.began_wall, ended, what)
