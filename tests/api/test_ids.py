"""Ids: a prefix and a ULID, a UUID in the database."""

import uuid

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.sessions.models import Session
from realms.ids import EVENT, GRANT, KEY, MESSAGE, REALM, SESSION, id_of, new_id, parse_id, uuid_of

PREFIXES = [REALM, KEY, SESSION, MESSAGE, GRANT, EVENT]
ULID = "01HX9J2N3PQRSTVWXYZ0123456"
CROCKFORD = set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")

examples = settings(deadline=None, max_examples=60)  # a busy machine is no fault of the code
prefixes = st.sampled_from(PREFIXES)


@examples
@given(prefix=prefixes, value=st.uuids())
def test_an_id_and_its_uuid_are_the_same_thing(prefix: str, value: uuid.UUID) -> None:
    name = id_of(prefix, value)

    assert uuid_of(name) == value
    assert parse_id(prefix, name) == name
    assert len(name) == len(prefix) + 27
    assert set(name[-26:]) <= CROCKFORD


@examples
@given(prefix=prefixes, value=st.uuids(), data=st.data())
def test_letter_case_makes_no_difference(prefix: str, value: uuid.UUID, data: st.DataObject) -> None:
    name = id_of(prefix, value)
    flips = data.draw(st.lists(st.booleans(), min_size=len(name), max_size=len(name)))
    mixed = "".join(letter.swapcase() if flip else letter for letter, flip in zip(name, flips, strict=True))

    assert parse_id(prefix, mixed) == name


@examples
@given(st.text() | st.text(alphabet="sessmgrantkyv_01HXILOUz\n", max_size=40))
def test_anything_else_is_no_id(text: str) -> None:
    for prefix in PREFIXES:
        parsed = parse_id(prefix, text)
        assert parsed is None or (text.isascii() and parsed.lower() == text.lower())


@examples
@given(text=st.characters(), at=st.integers(0, 31))
def test_no_other_character_passes_for_one_of_an_id(text: str, at: int) -> None:
    good = f"key_{ULID}"
    changed = good[:at] + text + good[at + 1 :]

    parsed = parse_id(KEY, changed)

    assert parsed is None or (changed.isascii() and parsed.lower() == changed.lower())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sess",
        "sess_",
        "_" + ULID,
        ULID,
        f"sess{ULID}",
        f"sess__{ULID}",
        f"msg_{ULID}",
        f"session_{ULID}",
        f"sess_{ULID}\n",
        f" sess_{ULID}",
        f"sess_{ULID[:-1]}",
        f"sess_{ULID}0",
        f"sess_8{ULID[1:]}",
        f"sess_{ULID[:-1]}I",
        f"sess_{ULID[:-1]}L",
        f"sess_{ULID[:-1]}O",
        f"sess_{ULID[:-1]}U",
        f"sess_{ULID[:-1]}\u0661",
        f"\u017fess_{ULID}",
        "3576880f-1b82-45a4-8af6-cebbfe7e9dc3",
    ],
)
def test_what_is_malformed_is_refused(text: str) -> None:
    assert parse_id(SESSION, f"sess_{ULID}") == f"sess_{ULID}"

    assert parse_id(SESSION, text) is None
    with pytest.raises(ValidationError):
        Session._meta.pk.to_python(text)


def test_the_kelvin_sign_is_no_k() -> None:
    assert parse_id(KEY, f"\u212aey_{ULID}") is None


def test_new_ids_differ_and_sort_by_time() -> None:
    made = [new_id(MESSAGE) for _ in range(1000)]

    assert len(set(made)) == 1000
    times = [name[4:14] for name in made]
    assert times == sorted(times)
