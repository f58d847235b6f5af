"""API keys: their form, what is kept of them, and their issue."""

import zlib
from datetime import datetime, timedelta

import pytest
from django.core import serializers
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from realms import identity, key_format, keys
from realms.audit.actor import Actor
from realms.models import ApiKey, ApiKeySecret, Realm
from realms.refusal import Refusal
from tests.cases import cases
from tests.cast import OPERATOR

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def number_of(digits: str) -> int:
    value = 0
    for digit in digits:
        value = value * 62 + BASE62.index(digit)
    return value


def test_a_key_has_the_form_that_scanners_look_for() -> None:
    for _ in range(100):
        key = key_format.new_plaintext()

        assert len(key) == 5 + 32 + 6
        assert key.startswith("aisp_") and set(key[5:]) <= set(BASE62)
        assert number_of(key[-6:]) == zlib.crc32(key[:-6].encode())
        assert key_format.is_well_formed(key)


def test_keys_differ() -> None:
    made = {key_format.new_plaintext() for _ in range(1000)}

    assert len(made) == 1000
    assert set("".join(key[5:37] for key in made)) == set(BASE62)


@settings(deadline=None)
@given(at=st.integers(0, 42), character=st.characters())
def test_a_changed_character_shows(at: int, character: str) -> None:
    key = "aisp_0123456789abcdefghijABCDEFGHIJKL"
    key += key_format._checksum(key)
    assert key_format.is_well_formed(key)

    changed = key[:at] + character + key[at + 1 :]

    assert key_format.is_well_formed(changed) is (changed == key)


@pytest.mark.parametrize("wrong", ["", "aisp_", "\n", " "])
def test_what_stands_around_a_key_shows(wrong: str) -> None:
    key = key_format.new_plaintext()

    assert not key_format.is_well_formed(wrong)
    if wrong:
        assert not key_format.is_well_formed(key + wrong)
        assert not key_format.is_well_formed(wrong + key)


def test_only_the_digest_is_kept(realm: Realm) -> None:
    issued, plaintext = keys.issue_key(realm=realm, name="mine", by=Actor.person(realm.owner))

    secret = ApiKeySecret.objects.get(key=issued)
    assert bytes(secret.digest) == key_format.digest_of(plaintext)
    assert secret.last_four == plaintext[-4:]
    kept = serializers.serialize("json", [*ApiKey.objects.all(), *ApiKeySecret.objects.all()])
    assert plaintext not in kept and plaintext[5:37] not in kept


def test_a_key_is_issued_as_asked(realm: Realm) -> None:
    expires_at = timezone.now() + timedelta(days=1)

    issued, plaintext = keys.issue_key(
        realm=realm,
        name="  mine ",
        by=Actor.person(realm.owner),
        scopes=["read", "read"],
        expires_at=expires_at,
        reads_per_minute=10,
        writes_per_minute=0,
    )

    issued.refresh_from_db()
    assert (issued.name, issued.scopes, issued.status) == ("mine", ["read"], "active")
    assert (issued.reads_per_minute, issued.writes_per_minute) == (10, 0)
    assert (issued.expires_at, issued.created_by) == (expires_at, realm.owner)
    found = identity.look_up(plaintext)
    assert found is not None
    assert (found.key_id, found.realm_id, found.realm_slug) == (issued.pk, realm.pk, "default")
    assert found.scopes == {"read"}


def test_a_key_has_both_scopes_by_default(realm: Realm) -> None:
    assert keys.issue_key(realm=realm, name="mine", by=OPERATOR)[0].scopes == ["read", "write"]


@cases("scopes", [[], ["admin"], ["read", "admin"], [""], ["READ"]])
def test_other_scopes_are_refused(realm: Realm, scopes: list[str]) -> None:
    with pytest.raises(Refusal) as refused:
        keys.issue_key(realm=realm, name="mine", by=OPERATOR, scopes=scopes)

    assert refused.value.errors[0]["pointer"] == "/scopes"
    assert not ApiKey.objects.exists()


@cases("name", ["", "  ", "x" * 65, "a\nb", "a\tb", "a\0b"])
def test_a_bad_name_is_refused(realm: Realm, name: str) -> None:
    for good in ("x", "x" * 64):
        assert keys.issue_key(realm=realm, name=good, by=OPERATOR)

    with pytest.raises(Refusal) as refused:
        keys.issue_key(realm=realm, name=name, by=OPERATOR)

    assert refused.value.errors[0]["pointer"] == "/name"
    assert ApiKey.objects.count() == 2


def test_an_expiry_that_is_past_is_refused(realm: Realm) -> None:
    with pytest.raises(Refusal) as refused:
        keys.issue_key(realm=realm, name="mine", by=OPERATOR, expires_at=timezone.now())

    assert refused.value.errors[0]["pointer"] == "/expires_at"
    assert not ApiKeySecret.objects.exists()


def test_what_is_revoked_stays_revoked(realm: Realm) -> None:
    issued, _ = keys.issue_key(realm=realm, name="mine", by=OPERATOR)
    stale = ApiKey.objects.get(pk=issued.pk)
    keys.set_status(key=issued, status=ApiKey.Status.REVOKED, by=OPERATOR)

    for status in ApiKey.Status:
        with pytest.raises(Refusal, match="key_revoked"):
            keys.set_status(key=stale, status=status, by=OPERATOR)

    assert ApiKey.objects.get().status == "revoked"


def test_use_is_noted_once_a_minute(realm: Realm) -> None:
    _, plaintext = keys.issue_key(realm=realm, name="mine", by=OPERATOR)

    def use() -> datetime | None:
        identity.forget_cached_keys()
        assert identity.look_up(plaintext) is not None
        return ApiKey.objects.get().last_used_at

    first = use()
    assert first is not None
    assert use() == first
    ApiKey.objects.update(last_used_at=first - timedelta(seconds=61))
    assert (use() or first) >= first
