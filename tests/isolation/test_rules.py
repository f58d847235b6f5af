"""Rules that are called beside the API, from the live paths, the admin and the commands, look into one
realm too.

What a server process does for all of its streams in one query has to do with many realms, and is held to
the inboxes that it names. The worker's rules go through all realms, and are left out.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from django.core.management import call_command
from django.db import connection, transaction

from hub.grants.models import Grant
from hub.grants.rules import (
    approve_on_behalf_of_grantor,
    deny_on_behalf_of_grantor,
    revoke_on_behalf_of_grantor,
)
from hub.memory import tree
from hub.memory.models import MemoryEntry
from hub.memory.namespaces import hand_over_namespace, remove_namespace
from hub.memory.rules import remove_entry
from hub.memory.usage import usage_of
from hub.messages import feed, pings
from hub.messages.models import Message
from hub.messages.payloads import open_payload
from hub.sessions.acting import mark_seen
from hub.sessions.models import Session
from hub.sessions.rules import end_session
from realms import keys
from realms.audit import rules as audit
from realms.ids import MESSAGE, new_id
from realms.models import ApiKey, Realm
from tests.cases import cases
from tests.cast import OPERATOR, caller_of
from tests.isolation.names import Named
from tests.isolation.snapshot import changes, changes_in, snapshot
from tests.isolation.tripwire import Tripwire
from tests.isolation.worlds import World


def ping(world: World) -> Callable[[], object]:
    """Ping the neighbour, look for its pong, and give up."""
    caller, target_id = caller_of(str(world.alice.agent.key)), world.alice.neighbour.id

    def ping_and_give_up() -> None:
        started = pings.start_ping(caller=caller, target_id=target_id, nonce=None, ping_id=new_id(MESSAGE))
        assert pings.answered([started.pk]) == []
        pings.give_up(started, caller.realm_id)

    return ping_and_give_up


def ping_from_the_console(world: World) -> Callable[[], object]:
    """Have the hub ping the agent, look how it goes, and see that it is not the neighbour's."""
    realm_id, target_id = world.alice.realm.pk, world.alice.agent.id

    def ping_and_look() -> None:
        started = pings.ping_from_hub(realm_id=realm_id, target_id=target_id)
        assert pings.hubs_ping(realm_id=realm_id, target_id=target_id, ping_id=started.pk)
        assert not pings.hubs_ping(realm_id=realm_id, target_id=world.alice.neighbour.id, ping_id=started.pk)

    return ping_and_look


def read_stream(world: World) -> Callable[[], object]:
    """Read the agent's inbox as a stream does, from the beginning and after a message."""
    realm_id, session_id = world.alice.realm.pk, world.alice.agent.id

    def read() -> None:
        start = feed.start_of(realm_id, session_id, None)
        assert feed.read_page(realm_id, session_id, after=0, unread_up_to=start.unread_up_to, limit=9)
        assert feed.start_of(realm_id, session_id, world.alice.theirs(Named.RECEIVED)).after == 1
        assert feed.start_of(realm_id, session_id, new_id(MESSAGE)).oldest

    return read


def browse_memory(world: World) -> Callable[[], object]:
    """Look at the namespaces, at what they hold, and at what lies below one of them."""
    realm_id = world.alice.realm.pk

    def browse() -> None:
        namespaces = list(tree.namespaces_of(realm_id))
        assert tree.held_in(realm_id, namespaces)
        assert usage_of(realm_id).entries
        assert tree.held_by(namespaces[0])
        assert any([*tree.branches(namespace, namespace.name)] for namespace in namespaces)

    return browse


# Each finds what the rule is called with, as the admin and the commands do, and returns the call of it.
RULES: dict[str, Callable[[World], Callable[[], object]]] = {
    "ping": ping,
    "ping from the console": ping_from_the_console,
    "stream": read_stream,
    "open a payload": lambda world: partial(
        open_payload, message=Message.objects.get(pk=world.alice.theirs(Named.RECEIVED)), by=OPERATOR
    ),
    "remove an entry": lambda world: partial(
        remove_entry, entry=MemoryEntry.objects.get(key=world.alice.theirs(Named.KEY)), by=OPERATOR
    ),
    "revoke a grant": lambda world: partial(
        revoke_on_behalf_of_grantor,
        grant=Grant.objects.get(pk=world.alice.theirs(Named.ASKED_OF_ME)),
        by=OPERATOR,
    ),
    "approve a grant for its grantor": lambda world: partial(
        approve_on_behalf_of_grantor,
        realm_id=world.alice.realm.pk,
        grant_id=world.alice.theirs(Named.ASKED_OF_ME),
        by=OPERATOR,
    ),
    "deny a grant for its grantor": lambda world: partial(
        deny_on_behalf_of_grantor,
        realm_id=world.alice.realm.pk,
        grant_id=world.alice.theirs(Named.ASKED_OF_ME),
        by=OPERATOR,
    ),
    "hand a namespace over": lambda world: partial(
        hand_over_namespace,
        realm_id=world.alice.realm.pk,
        name=world.alice.theirs(Named.KEY).split(".")[0],
        to_session_id=world.alice.neighbour.id,
        by=OPERATOR,
    ),
    "remove a namespace": lambda world: partial(
        remove_namespace,
        realm_id=world.alice.realm.pk,
        name=world.alice.theirs(Named.KEY).split(".")[0],
        by=OPERATOR,
    ),
    "browse memory": browse_memory,
    "end a session": lambda world: partial(
        end_session, Session.objects.get(pk=world.alice.agent.id), by=OPERATOR
    ),
    "note that a session acts": lambda world: partial(mark_seen, world.alice.realm.pk, world.alice.agent.id),
    "disable a key": lambda world: partial(
        keys.set_status,
        key=ApiKey.objects.get(sessions=world.alice.agent.id),
        status=ApiKey.Status.DISABLED,
        by=OPERATOR,
    ),
    "rotate a key": lambda world: partial(
        keys.rotate_key,
        key=ApiKey.objects.get(sessions=world.alice.agent.id),
        grace=timedelta(0),
        by=OPERATOR,
    ),
    "verify the audit log": lambda world: lambda: list(audit.verify(world.alice.realm.pk)),
    "list keys": lambda world: partial(
        call_command, "apikey", "list", owner="alice@example.com", realm="canary-realm"
    ),
}


@cases("rule", RULES)
def test_a_rule_looks_into_one_realm(world: World, rule: str) -> None:
    tripwire = Tripwire(realm_id=world.alice.realm.pk)
    call = RULES[rule](world)

    with connection.execute_wrapper(tripwire):
        call()

    assert tripwire.looked
    assert not tripwire.faults, "\n".join(tripwire.faults)


def test_what_is_done_for_many_streams_at_once_is_held_to_their_inboxes(world: World) -> None:
    mallory, before = world.mallory.agent.id, snapshot()

    assert set(feed.newest_numbers([mallory])) == {mallory}
    assert set(feed.read_many({mallory: 0}, each=500)) == {mallory}
    assert before == snapshot()

    feed.mark_sent({mallory: [1, 2, 3]})

    assert changes(before, snapshot())
    assert not changes_in(world.alice, before, snapshot())


def test_the_first_event_of_an_audit_log_looks_into_one_realm(world: World) -> None:
    realm = Realm.objects.create(owner=world.alice.realm.owner, slug="new")
    tripwire = Tripwire(realm_id=realm.pk)

    with transaction.atomic(), connection.execute_wrapper(tripwire):
        audit.append("realm.created", realm_id=realm.pk, by=OPERATOR, target=realm.pk)

    assert not tripwire.faults, "\n".join(tripwire.faults)
