"""Changes that agents make over the API, and the events that each has to leave."""

from collections.abc import Callable

from tests.audit.log import TRACED
from tests.audit.stage import Change, Prepare, Stage, about
from tests.cast import Agent
from tests.grants.lives import REFERENCE, age, asked, grant_in, in_an_hour
from tests.memory.entries import written

NEW = {"name": "dora", "kind": "executor"}


def registered(stage: Stage) -> Change:
    return Change(
        lambda: stage.holder.post("sessions", NEW, headers=TRACED),
        lambda answer: [stage.by_key("session.registered", answer.json["id"], **NEW, inherited=0)],
    )


def registered_as_an_heir(stage: Stage) -> Change:
    written(stage.bob, "a.1", "a.2", "b.1")
    assert stage.bob.delete(f"sessions/{stage.bob.id}").status == 200
    heir = {"name": "Bob", "kind": "executor"}
    return Change(
        lambda: stage.holder.post("sessions", heir, headers=TRACED),
        lambda answer: [stage.by_key("session.registered", answer.json["id"], **heir, inherited=2)],
    )


def deregistered_by_its_key(stage: Stage) -> Change:
    bob = stage.bob
    return Change(
        lambda: bob.delete(f"sessions/{bob.id}", headers=TRACED),
        lambda _: [stage.by_key("session.deregistered", bob.id, name="bob")],
    )


def deregistered_by_its_own_token(stage: Stage) -> Change:
    signer, bearer = stage.signer, stage.signer.bearer()
    return Change(
        lambda: bearer.delete(f"sessions/{signer.id}", headers=TRACED),
        lambda _: [stage.by_session(bearer, "session.deregistered", signer.id, name="signer")],
    )


def deregistered_with_grants(stage: Stage) -> Change:
    """The grants from and to the session end first; what had ended before stays as it was."""
    alice, bob = stage.alice, stage.bob
    given = bob.grant(alice, "memory.read", "project.*")
    wished = asked(bob, alice)
    bob.post(f"grants/{asked(alice, bob, namespace='denied')}/deny")
    age(asked(alice, bob, namespace="overdue"))
    return Change(
        lambda: bob.delete(f"sessions/{bob.id}", headers=TRACED),
        lambda _: [
            *(stage.by_key("grant.revoked", grant, **about(grant)) for grant in (given, wished)),
            stage.by_key("session.deregistered", bob.id, name="bob"),
        ],
    )


def requested(stage: Stage) -> Change:
    alice, wish = stage.alice, {"to": stage.bob.id, **REFERENCE}
    return Change(
        lambda: alice.post("grants", wish, headers=TRACED),
        lambda answer: [
            stage.by_session(alice, "grant.requested", (grant := answer.json["grant_id"]), **about(grant))
        ],
    )


def requested_after_an_overdue_request(stage: Stage) -> Change:
    """The clock ended the old one, and whoever asks anew only notices."""
    overdue = grant_in("overdue pending", stage.alice, stage.bob)
    again = requested(stage)
    return Change(
        again.make,
        lambda answer: [
            stage.by_worker("expire_grants", "grant.expired", overdue, **about(overdue)),
            *again.events(answer),
        ],
    )


def approved_narrower(stage: Stage) -> Change:
    grant = asked(stage.alice, stage.bob)
    narrower = {"namespace": "project.name", "expires_at": in_an_hour()}
    return Change(
        lambda: stage.bob.post(f"grants/{grant}/approve", narrower, headers=TRACED),
        lambda _: [
            stage.by_session(stage.bob, "grant.approved", grant, **about(grant, namespace="project.name"))
        ],
    )


def approved_for_no_namespace(stage: Stage) -> Change:
    wish = {"capability": "delegate.receive", "namespace": ..., "reason": ...}
    grant = asked(stage.alice, stage.bob, **wish)
    of_it = {"capability": "delegate.receive", "namespace": None}
    return Change(
        lambda: stage.bob.post(f"grants/{grant}/approve", headers=TRACED),
        lambda _: [stage.by_session(stage.bob, "grant.approved", grant, **about(grant, **of_it))],
    )


def decided(action: str, event: str) -> Prepare:
    def prepare(stage: Stage) -> Change:
        grant = asked(stage.alice, stage.bob)
        return Change(
            lambda: stage.bob.post(f"grants/{grant}/{action}", headers=TRACED),
            lambda _: [stage.by_session(stage.bob, event, grant, **about(grant))],
        )

    return prepare


def revoked_by(party: Callable[[Stage], Agent], state: str) -> Prepare:
    def prepare(stage: Stage) -> Change:
        grant = grant_in(state, stage.alice, stage.bob)
        return Change(
            lambda: party(stage).delete(f"grants/{grant}", headers=TRACED),
            lambda _: [stage.by_session(party(stage), "grant.revoked", grant, **about(grant))],
        )

    return prepare


def token_issued_by_the_key(stage: Stage) -> Change:
    wish = {"ttl_seconds": 60, "scopes": ["read"]}
    return Change(
        lambda: stage.holder.post(f"sessions/{stage.bob.id}/token", wish, headers=TRACED),
        lambda answer: [
            stage.by_key(
                "token.issued",
                stage.bob.id,
                jti=stage.jti_of(answer.json["token"]),
                scopes=["read"],
                expires_at=answer.json["expires_at"],
            )
        ],
    )


def token_issued_by_the_session(stage: Stage) -> Change:
    bearer = stage.signer.bearer()
    return Change(
        lambda: bearer.post(f"sessions/{bearer.id}/token", headers=TRACED),
        lambda answer: [
            stage.by_session(
                bearer,
                "token.issued",
                bearer.id,
                jti=stage.jti_of(answer.json["token"]),
                scopes=["read", "write"],
                expires_at=answer.json["expires_at"],
            )
        ],
    )


def memory_deleted_by_its_owner(stage: Stage) -> Change:
    written(stage.alice, "project.name", "project.stage")
    return Change(
        lambda: stage.alice.delete("memory/project.name", headers=TRACED),
        lambda _: [stage.by_session(stage.alice, "memory.deleted", "project.name")],
    )


def memory_deleted_under_a_grant(stage: Stage) -> Change:
    written(stage.bob, "project.name")
    stage.bob.grant(stage.alice, "memory.delete", "project.*")
    return Change(
        lambda: stage.alice.delete("memory/project.name", headers=TRACED),
        lambda _: [stage.by_session(stage.alice, "memory.deleted", "project.name")],
    )


CHANGES: dict[str, Prepare] = {
    "session.registered": registered,
    "session.registered, an heir of two namespaces": registered_as_an_heir,
    "session.deregistered by its key": deregistered_by_its_key,
    "session.deregistered by its own token": deregistered_by_its_own_token,
    "session.deregistered with its grants": deregistered_with_grants,
    "grant.requested": requested,
    "grant.requested again after an overdue request": requested_after_an_overdue_request,
    "grant.approved": decided("approve", "grant.approved"),
    "grant.approved narrower": approved_narrower,
    "grant.approved for no namespace": approved_for_no_namespace,
    "grant.denied": decided("deny", "grant.denied"),
    "grant.revoked by its grantor": revoked_by(lambda stage: stage.bob, "active"),
    "grant.revoked by its requester": revoked_by(lambda stage: stage.alice, "active"),
    "grant.revoked while it is pending": revoked_by(lambda stage: stage.alice, "pending"),
    "token.issued by the key": token_issued_by_the_key,
    "token.issued by the session itself": token_issued_by_the_session,
    "memory.deleted by its owner": memory_deleted_by_its_owner,
    "memory.deleted under a grant": memory_deleted_under_a_grant,
}
