"""Keys in the console: issue, rotate, end a grace, disable and enable, revoke."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from realms import identity, keys
from realms.audit.actor import Actor
from realms.key_format import KEY_PATTERN
from realms.models import ApiKey, AuditEvent, Realm
from tests.cases import cases
from tests.cast import Agent, new_agent, new_key
from tests.console.people import Person, words_of
from tests.rows import forget_credentials

LEAST: dict[str, Any] = {"name": "agents", "scopes": ["read", "write"], "lifetime": ""}


def shown_key(answer: Any) -> str:
    """Return the one key that a page shows."""
    found = set(re.findall(KEY_PATTERN, answer.content.decode()))
    assert len(found) == 1
    return str(found.pop())


def works(plaintext: str) -> bool:
    """Tell whether a key opens the API now."""
    forget_credentials()
    return Agent(plaintext).get("sessions").status == 200


@pytest.fixture
def issued(owner: Person) -> tuple[ApiKey, str]:
    """A key of Alice's realm, with its plaintext."""
    return new_key(owner.realm)


def test_a_key_is_issued_and_shown_once(admin: Person) -> None:
    answer = admin.post("realm-key-issue", said={**LEAST, "lifetime": "30", "writes_per_minute": "7"})

    plaintext = shown_key(answer)
    key = ApiKey.objects.get()
    assert works(plaintext)
    assert "no-store" in answer["Cache-Control"]
    assert (key.name, key.scopes, key.reads_per_minute, key.writes_per_minute) == (
        "agents",
        ["read", "write"],
        None,
        7,
    )
    assert key.expires_at is not None
    assert timedelta(days=29) < key.expires_at - timezone.now() <= timedelta(days=30)
    assert key.created_by == admin.user
    for name, named in (("realm-keys", ()), ("realm-key", (key.pk,))):
        assert plaintext not in admin.get(name, *named).content.decode()


@cases(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 65},
        {"name": "a\0b"},
        {"name": "a\u200eb"},
        {"scopes": []},
        {"scopes": ["admin"]},
        {"lifetime": "31"},
        {"lifetime": "-1"},
        {"reads_per_minute": "-1"},
        {"reads_per_minute": "9" * 30},
        {"writes_per_minute": "many"},
    ],
    ids=str,
)
def test_a_key_that_cannot_be_is_not_issued(owner: Person, wrong: dict[str, Any]) -> None:
    answer = owner.post("realm-key-issue", said={**LEAST, **wrong})

    assert answer.status_code == 400
    assert "errorlist" in answer.content.decode()
    assert not ApiKey.objects.exists()
    assert owner.post("realm-key-issue", said=LEAST).status_code == 200


@pytest.mark.parametrize(("limit", "status"), [("5", 200), ("6", 400), ("0", 400)])
def test_no_owner_gives_more_than_the_hubs_ceiling(
    owner: Person, settings: Any, limit: str, status: int
) -> None:
    settings.HUB_MOST_WRITES_PER_MINUTE = 5

    assert owner.post("realm-key-issue", said={**LEAST, "writes_per_minute": limit}).status_code == status


def test_the_form_says_that_the_realm_has_enough_keys(owner: Person, settings: Any) -> None:
    settings.HUB_MOST_KEYS = 1
    new_key(owner.realm)

    answer, start = owner.post("realm-key-issue", said=LEAST), owner.post("realm-start")

    assert answer.status_code == 400
    for page in (answer, start):
        assert "A realm may have 1 keys." in page.content.decode()
    assert ApiKey.objects.count() == 1


def test_a_key_is_rotated_with_a_grace(owner: Person, issued: tuple[ApiKey, str]) -> None:
    key, old = issued

    answer = owner.post("realm-key-rotate", key.pk, said={"grace": "1h"})

    new = shown_key(answer)
    assert new != old
    assert works(old)
    assert works(new)
    page = owner.get("realm-key", key.pk).content.decode()
    assert f"aisp_…{old[-4:]}" in page
    assert "End it now" in page


def test_a_grace_is_ended(owner: Person, issued: tuple[ApiKey, str]) -> None:
    key, old = issued
    new = shown_key(owner.post("realm-key-rotate", key.pk, said={"grace": "7d"}))

    assert owner.post("realm-key-end-grace", key.pk)["Location"] == owner.path("realm-key", key.pk)

    assert not works(old)
    assert works(new)
    assert "End it now" not in owner.get("realm-key", key.pk).content.decode()
    actions = AuditEvent.objects.in_realm(owner.realm.pk).values_list("action", flat=True)
    assert list(actions)[-2:] == ["key.rotated", "key.grace_ended"]
    owner.post("realm-key-end-grace", key.pk)
    assert AuditEvent.objects.filter(action="key.grace_ended").count() == 1, "there was nothing to end"


def test_a_second_rotation_in_the_grace_has_to_be_forced(owner: Person, issued: tuple[ApiKey, str]) -> None:
    key, oldest = issued
    middle = shown_key(owner.post("realm-key-rotate", key.pk, said={"grace": "24h"}))

    refused = owner.post("realm-key-rotate", key.pk, said={"grace": "24h"})
    assert refused.status_code == 400
    assert works(oldest)

    newest = shown_key(owner.post("realm-key-rotate", key.pk, said={"grace": "24h", "force": "on"}))
    assert not works(oldest)
    assert works(middle)
    assert works(newest)


@pytest.mark.parametrize("grace", ["", "2h", "1h\0"])
def test_another_grace_is_none(owner: Person, issued: tuple[ApiKey, str], grace: str) -> None:
    assert owner.post("realm-key-rotate", issued[0].pk, said={"grace": grace}).status_code == 400
    assert issued[0].secrets.count() == 1


def test_a_key_is_disabled_and_enabled(owner: Person, issued: tuple[ApiKey, str]) -> None:
    key, plaintext = issued

    owner.post("realm-key-disable", key.pk)
    assert not works(plaintext)

    owner.post("realm-key-enable", key.pk)
    assert works(plaintext)


def test_what_stops_with_a_key_is_said_before(owner: Person, issued: tuple[ApiKey, str]) -> None:
    key, plaintext = issued
    dora = new_agent(plaintext, "dora", capabilities=["work.do"])
    erin = new_agent(plaintext, "erin")
    dora.grant(erin, "work.do")

    page = re.sub(r"\s+", " ", owner.get("realm-key-revoke", key.pk).content.decode())

    assert re.search(r"sessions that .*? <dd> 2 </dd>", page)
    assert re.search(r"streams, .*? <dd> 0 </dd>", page)
    assert re.search(r"grant from .*? <dd> 1 </dd>", page)


def test_a_key_is_revoked_by_its_name(owner: Person, issued: tuple[ApiKey, str]) -> None:
    key, plaintext = issued

    assert owner.post("realm-key-revoke", key.pk, said={"name": "another"}).status_code == 400
    assert works(plaintext)

    assert owner.post("realm-key-revoke", key.pk, said={"name": key.name}).status_code == 302
    assert not works(plaintext)
    again = owner.post("realm-key-enable", key.pk)
    assert again.status_code == 401
    assert "stays revoked" in again.content.decode()


@cases(
    "name",
    ["realm-key", "realm-key-rotate", "realm-key-revoke", "realm-key-end-grace", "realm-key-disable"],
)
def test_a_key_of_another_realm_is_none(owner: Person, mallory: Agent, name: str) -> None:
    foreign = ApiKey.objects.get(realm=mallory.session.realm_id)  # type: ignore[union-attr]
    send = owner.get if name == "realm-key" else owner.post

    answers = [send(name, key_id) for key_id in (foreign.pk, "key_" + "0" * 26, "key_1", "x")]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert len(set(map(words_of, answers))) == 1
    foreign.refresh_from_db()
    assert foreign.status == ApiKey.Status.ACTIVE


def test_the_list_shows_how_each_key_stands(owner: Person, issued: tuple[ApiKey, str]) -> None:
    expired = keys.issue_key(
        realm=owner.realm,
        name="over",
        by=Actor.person(owner.user),
        expires_at=timezone.now() + timedelta(days=3),
    )[0]
    page = owner.get("realm-keys").content.decode()
    assert "Issue another key in time" in page

    ApiKey.objects.filter(pk=expired.pk).update(expires_at=timezone.now())

    page = owner.get("realm-keys").content.decode()
    assert "expired" in page
    assert "Issue another key in time" not in page
    assert f"aisp_…{issued[1][-4:]}" in page


def test_a_viewer_sees_keys_and_no_buttons(viewer: Person, issued: tuple[ApiKey, str]) -> None:
    page = viewer.get("realm-key", issued[0].pk).content.decode()

    assert issued[0].pk in page
    assert "Revoke" not in page
    assert "Rotate" not in page


def test_the_list_goes_page_by_page(owner: Person) -> None:
    made = [new_key(owner.realm)[0].pk for _ in range(51)]

    first = owner.get("realm-keys").content.decode()
    assert made[50] in first
    assert made[0] not in first
    second = owner.get("realm-keys", before=made[1]).content.decode()
    assert made[0] in second
    assert f'href="{owner.path("realm-key", made[1])}"' not in second
    assert owner.get("realm-keys", before="key_1").status_code == 400


def test_the_list_asks_no_query_per_row(
    owner: Person, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        new_key(owner.realm)

    with django_assert_max_num_queries(9):
        assert owner.get("realm-keys").status_code == 200


def test_a_key_is_of_one_realm_only(owner: Person, issued: tuple[ApiKey, str]) -> None:
    found = identity.look_up(issued[1])

    assert found is not None
    assert Realm.objects.get(pk=found.realm_id) == owner.realm
