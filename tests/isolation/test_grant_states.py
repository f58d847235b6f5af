"""What a grant opens within a realm in each of its states, and who may do what with it."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import product
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from hub.grants.models import Grant
from tests.cases import cases
from tests.cast import Agent, Answer, new_agent, new_key
from tests.isolation.snapshot import changes, snapshot
from tests.isolation.tenants import Tenant, grant
from tests.isolation.tripwire import Tripwire
from tests.isolation.worlds import World

# State, and whether its time is over.
STATES = {
    "none": None,
    "pending": (Grant.Status.PENDING, False),
    "active": (Grant.Status.ACTIVE, False),
    "denied": (Grant.Status.DENIED, False),
    "revoked": (Grant.Status.REVOKED, False),
    "expired": (Grant.Status.EXPIRED, True),
    "active by the worker, expired by the clock": (Grant.Status.ACTIVE, True),
    "pending by the worker, expired by the clock": (Grant.Status.PENDING, True),
}
KEY = "canary-space.key"
CAPABILITIES = ("memory.read", "memory.write", "memory.delete", "delegate.receive")

Do = Callable[[Agent, Agent], Answer]

# What a requester tries with what is the grantor's, and the capability that it needs.
OPERATIONS: dict[str, tuple[str, Do]] = {
    "read the namespace": ("memory.read", lambda me, it: me.get("memory?namespace=canary-space")),
    "read the entry": ("memory.read", lambda me, it: me.get(f"memory/{KEY}")),
    "write the entry": (
        "memory.write",
        lambda me, it: me.post("memory", {"entries": [{"key": KEY, "value": 1}]}),
    ),
    "write a new entry": (
        "memory.write",
        lambda me, it: me.post("memory", {"entries": [{"key": "canary-space.new", "value": 1}]}),
    ),
    "delete the entry": ("memory.delete", lambda me, it: me.delete(f"memory/{KEY}")),
    "delegate": ("delegate.receive", lambda me, it: me.send(it, "delegate")),
}

# Who does what with the grant itself, and in which states it is granted.
PENDING, OPEN, ALWAYS = (
    ("pending",),
    ("pending", "active"),
    tuple(state for state in STATES if state != "none"),
)
HANDLING: dict[str, tuple[str, str, tuple[str, ...], tuple[str, ...], str]] = {
    "get": ("GET", "", ("requester", "grantor"), ALWAYS, ""),
    "approve": ("POST", "/approve", ("grantor",), PENDING, "grant_not_pending"),
    "deny": ("POST", "/deny", ("grantor",), PENDING, "grant_not_pending"),
    "revoke": ("DELETE", "", ("requester", "grantor"), OPEN, "grant_already_ended"),
}

ACTORS = ("requester", "grantor", "a third")


def cells() -> list[tuple[str, ...]]:
    """Return what is tried: a state, a capability and an operation, or a state, a handling and who."""
    return [*product(STATES, CAPABILITIES, OPERATIONS), *product(ALWAYS, HANDLING, ACTORS)]


def in_state(state: str, tenant: Tenant, capability: str, **members: Any) -> str | None:
    """Write down a grant of the tenant's agent to its neighbour, and return its id."""
    if (given := STATES[state]) is None:
        return None
    status, over = given
    there: dict[str, Any] = {
        "realm": tenant.realm,
        "requester": tenant.neighbour.session,
        "grantor": tenant.agent.session,
        "capability": capability,
        "namespace": "canary-space.*" if capability.startswith("memory.") else "",
        "status": status,
        "expires_at": timezone.now() + timedelta(hours=-1 if over else 1),
    }
    return grant(**{**there, **members})


def tried(world: World, do: Callable[[], Answer]) -> str | int:
    """Do something in alice's realm, undo it, and return the code of the answer, or 200.

    What is refused changes nothing, and no statement looks into another realm.
    """
    tripwire = Tripwire(realm_id=world.alice.realm.pk)
    before = snapshot()
    with transaction.atomic():
        with connection.execute_wrapper(tripwire):
            answer = do()
        after = {**before, **snapshot(tripwire.written)}
        transaction.set_rollback(True)
    assert not tripwire.faults
    if answer.status == 200:
        return 200
    assert not changes(before, after)
    return answer.code


@cases("state", STATES)
@cases("capability", CAPABILITIES)
def test_only_an_active_grant_opens_and_only_what_it_is_for(
    world: World, state: str, capability: str
) -> None:
    Grant.objects.all().delete()
    in_state(state, world.alice, capability)
    requester, grantor = world.alice.neighbour, world.alice.agent

    got = {name: tried(world, partial(do, requester, grantor)) for name, (_, do) in OPERATIONS.items()}

    assert got == {
        name: 200 if state == "active" and needed == capability else "grant_required"
        for name, (needed, _) in OPERATIONS.items()
    }


@cases("state", STATES)
def test_the_whole_store_shows_what_active_grants_cover(world: World, state: str) -> None:
    Grant.objects.all().delete()
    in_state(state, world.alice, "memory.read")

    entries = world.alice.neighbour.get("memory").json["entries"]

    shown = {entry["key"].partition(".")[0] for entry in entries}
    assert shown == {"canary-peers", *(["canary-space"] if state == "active" else [])}


@cases("state", ALWAYS)
def test_the_two_sides_handle_a_grant_and_nobody_else(world: World, state: str) -> None:
    Grant.objects.all().delete()
    grant_id = in_state(state, world.alice, "memory.read")
    third = new_agent(new_key(world.alice.realm)[1], "third")
    actors = dict(zip(ACTORS, (world.alice.neighbour, world.alice.agent, third), strict=True))

    for what, (method, path, allowed, states, otherwise) in HANDLING.items():
        for who, actor in actors.items():
            got = tried(world, partial(actor.call, method, f"grants/{grant_id}{path}"))
            granted = 200 if state in states else otherwise
            assert got == (granted if who in allowed else "grant_not_yours"), (what, who)


@pytest.mark.parametrize("realm", ["alice", "mallory"])
def test_a_grant_across_realms_would_open_nothing(world: World, realm: str) -> None:
    """No rule makes one; should a row say so, each operation still looks into one realm."""
    Grant.objects.all().delete()
    within = getattr(world, realm).realm
    for capability in CAPABILITIES:
        in_state("active", world.alice, capability, realm=within, requester=world.mallory.agent.session)
    mallory, alice = world.mallory.agent, world.alice.agent
    before = snapshot()

    assert [entry["key"][:6] for entry in mallory.get("memory").json["entries"]] == ["plain-"] * 2
    assert mallory.get("memory?namespace=canary-space").json == {"entries": []}
    assert mallory.get(f"memory/{KEY}").code == "memory_key_not_found"
    assert mallory.delete(f"memory/{KEY}").code == "memory_key_not_found"
    assert mallory.send(alice, "delegate").code == "recipient_not_found"
    assert not changes(before, snapshot())
    # A key of this name is free here: writing it makes a namespace of mallory's own.
    assert mallory.post("memory", {"entries": [{"key": KEY, "value": "mine"}]}).status == 200
    assert alice.get(f"memory/{KEY}").json["value"] == "canary value"
