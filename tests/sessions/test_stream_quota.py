"""How many streams a session and a realm may have open, when many open at once."""

import uuid
from functools import partial

import pytest

from hub.sessions.presence import STREAMS_PER_SESSION, LiveProcess, OpenStream, open_stream
from realms.models import Realm
from realms.refusal import Refusal
from tests.at_once import at_once
from tests.cast import Agent
from tests.rows import set_realm


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("of_realm", "expected"), [(3, 3), (100, STREAMS_PER_SESSION)])
def test_openings_at_once_do_not_overdraw_it(
    realm: Realm, alice: Agent, of_realm: int, expected: int
) -> None:
    set_realm(realm, max_streams=of_realm)
    process = LiveProcess.objects.create(id=uuid.uuid4())
    assert alice.session is not None

    def is_open() -> bool:
        assert alice.session is not None
        try:
            open_stream(session=alice.session, process_id=process.pk)
        except Refusal as refusal:
            assert refusal.code == "too_many_streams"
            return False
        return True

    opened = at_once(*[partial(is_open)] * 16)

    assert sum(opened) == OpenStream.objects.count() == expected


def test_what_a_dead_process_held_does_not_count(realm: Realm, alice: Agent) -> None:
    set_realm(realm, max_streams=1)
    assert alice.session is not None
    dead = LiveProcess.objects.create(id=uuid.uuid4())
    open_stream(session=alice.session, process_id=dead.pk)
    with pytest.raises(Refusal):
        open_stream(session=alice.session, process_id=uuid.uuid4())

    LiveProcess.objects.filter(pk=dead.pk).update(beat_at="2020-01-01T00:00:00Z")

    open_stream(session=alice.session, process_id=uuid.uuid4())
    assert OpenStream.objects.count() == 2
