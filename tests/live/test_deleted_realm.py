"""Streams of a realm that is deleted."""

from realms.audit.actor import Actor
from realms.models import Realm
from realms.owners import delete_realm
from tests.cast import Agent
from tests.live.client import WireAgent
from tests.tokens.signing import Signer
from tests.waiting import wait_until


def test_they_end(server: str, realm: Realm, key: str, alice: WireAgent, bob: WireAgent) -> None:
    signer = Signer(key, "signer")
    with (
        WireAgent(server, Agent(None, signer.session, token=signer.token())) as bearer,
        bearer.stream() as by_token,
        bob.stream() as by_key,
    ):
        sent = alice.send(bob.id)
        assert by_key.messages(1) == [sent]

        delete_realm(realm=realm, by=Actor.person(realm.owner))

        for stream in (by_key, by_token):
            close = stream.next()
            assert (close.event, close.data["reconnect"]) == ("close", False)
            assert stream.ended()
        # A credential is looked up at most once a second, and each was at a moment of its own.
        wait_until(lambda: alice.get("/messages").status_code == 401, seconds=2)
        wait_until(lambda: bearer.get("/messages").status_code == 401, seconds=2)
