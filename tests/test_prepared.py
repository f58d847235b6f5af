"""What has its SQL written once finds and changes what the ORM would have found and changed."""

import pytest
from django.db import connection
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Concat
from django.test.utils import CaptureQueriesContext

from hub.memory.models import MemoryEntry
from hub.prepared import PreparedQuery, PreparedUpdate
from hub.sessions.models import Session
from realms.ids import REALM, SESSION, new_id
from tests.cast import Agent

pytestmark = pytest.mark.django_db


def by_id(realm_id: str, session_id: str) -> QuerySet[Session]:
    return Session.objects.in_realm(realm_id).filter(pk=session_id).annotate(owner_id=F("realm__owner"))


def by_name(realm_id: str, name: str) -> QuerySet[Session]:
    return Session.objects.in_realm(realm_id).filter(name=name)


def test_each_call_has_values_of_its_own(alice: Agent, bob: Agent) -> None:
    find = PreparedQuery(by_id, ids={"realm_id": REALM, "session_id": SESSION})
    assert alice.session and bob.session
    realm = alice.session.realm

    for agent in (alice, bob, alice):
        assert agent.session
        [found] = find(realm_id=realm.pk, session_id=agent.id)
        [expected] = by_id(realm.pk, agent.id)
        stored = {field.attname for field in Session._meta.concrete_fields}
        assert {name: getattr(found, name) for name in stored} == {
            name: getattr(expected, name) for name in stored
        }
        assert found.owner_id == realm.owner_id == expected.owner_id  # type: ignore[attr-defined]
        found.save(update_fields=["name"])  # it is a row like any other


def test_texts_go_in_as_they_are(alice: Agent, bob: Agent) -> None:
    find = PreparedQuery(by_name, ids={"realm_id": REALM}, texts=("name",))
    assert alice.session

    assert [row.pk for row in find(realm_id=alice.session.realm_id, name="bob")] == [bob.id]
    assert find(realm_id=alice.session.realm_id, name="' OR true --%s") == []


def test_its_sql_is_written_once(alice: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    find = PreparedQuery(by_name, ids={"realm_id": REALM}, texts=("name",))
    assert alice.session
    find(realm_id=alice.session.realm_id, name="alice")
    monkeypatch.setattr(QuerySet, "filter", lambda *_, **__: pytest.fail("the ORM was asked again"))

    with CaptureQueriesContext(connection) as queries:
        [found] = find(realm_id=alice.session.realm_id, name="alice")

    assert (found.pk, len(queries)) == (alice.id, 1)


def test_an_annotation_is_an_id_as_the_orm_gives_it(alice: Agent) -> None:
    written = alice.post("memory", {"entries": [{"key": "notes.one", "value": 1}]})
    assert written.status == 200 and alice.session
    find = PreparedQuery(
        lambda realm_id, key: MemoryEntry.objects.in_realm(realm_id).filter(key=key).with_owner(),
        ids={"realm_id": REALM},
        texts=("key",),
    )

    [entry] = find(realm_id=alice.session.realm_id, key="notes.one")

    assert entry.owner_id == alice.id


def test_an_update_changes_what_is_found_and_says_how_many(alice: Agent, bob: Agent) -> None:
    rename = PreparedUpdate(
        by_name, {"kind": Concat("name", Value(".1"))}, ids={"realm_id": REALM}, texts=("name",)
    )
    assert alice.session
    realm = alice.session.realm_id

    assert [rename(realm_id=realm, name=name) for name in ("alice", "bob", "nobody")] == [1, 1, 0]

    kinds = Session.objects.filter(pk__in=[alice.id, bob.id]).values_list("kind", flat=True)
    assert set(kinds) == {"alice.1", "bob.1"}
    assert rename(realm_id=new_id(REALM), name="alice") == 0


def test_the_sql_of_an_update_is_written_once(alice: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    touch = PreparedUpdate(by_name, {"kind": "busy"}, ids={"realm_id": REALM}, texts=("name",))
    assert alice.session
    touch(realm_id=alice.session.realm_id, name="alice")
    monkeypatch.setattr(QuerySet, "filter", lambda *_, **__: pytest.fail("the ORM was asked again"))

    with CaptureQueriesContext(connection) as queries:
        assert touch(realm_id=alice.session.realm_id, name="alice") == 1

    assert len(queries) == 1
