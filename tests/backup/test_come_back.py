"""A hub that is restored stands where it stood when the backup was made.

What an agent then sees is what `deploy/README.md` says under "Backup and restore".
"""

import httpx
import pytest
from django.conf import settings

from tests.backup.tale import OF_REALM, Tale

pytestmark = pytest.mark.deployment


def test_no_send_fails_or_waits_for_the_end_while_a_backup_is_made(restored: Tale) -> None:
    assert restored.failed == []
    assert restored.meanwhile, "nothing was sent meanwhile"


def test_what_was_acknowledged_before_the_backup_is_there(restored: Tale) -> None:
    assert len(restored.before) >= 60
    assert restored.held()[: len(restored.before)] == restored.before


def test_it_is_the_hub_of_one_moment(restored: Tale) -> None:
    """One sender sent one after the other: what was taken is all up to some message, and none beyond."""
    sent = [*restored.before, *restored.meanwhile, *restored.afterwards]
    held = [message for message in restored.held() if message in sent]

    assert held == sent[: len(held)]
    assert len(restored.before) <= len(held) <= len(restored.before) + len(restored.meanwhile) + 1
    assert restored.afterwards[-1] not in held


def test_a_stream_goes_on_behind_an_id_that_came_back(restored: Tale) -> None:
    held = restored.held()
    assert len(held) > 2

    with restored.bob.stream(Last_Event_ID=held[-3]) as stream:
        assert stream.messages(2) == held[-2:]


def test_a_stream_with_an_id_from_after_the_backup_is_reset_and_gets_everything(restored: Tale) -> None:
    held = restored.held()

    with restored.bob.stream(Last_Event_ID=restored.afterwards[-1]) as stream:
        reset = stream.next()
        assert (reset.event, reset.data["oldest"]) == ("reset", held[0])
        assert stream.messages(len(held)) == held


def test_a_poll_with_such_an_id_is_told_where_to_begin(restored: Tale) -> None:
    answer = restored.bob.get(f"/messages?peek=true&after={restored.afterwards[-1]}")

    assert (answer.status_code, answer.json()["code"]) == (404, "message_not_found")
    assert answer.json()["oldest"] == restored.held()[0]


def test_a_number_that_is_given_again_is_not_taken_for_the_message_that_had_it(restored: Tale) -> None:
    """New messages take the numbers of those that are gone; clients know ids, which are never given again."""
    new = [restored.alice.send(restored.bob.id) for _ in range(3)]

    with restored.bob.stream(Last_Event_ID=restored.afterwards[0]) as stream:
        assert stream.next().event == "reset"
        everything = stream.messages(len(restored.held()))

    assert everything[-3:] == new


def test_a_request_of_before_is_not_done_again(restored: Tale) -> None:
    """Its answer was kept sealed: that it comes shows that the secret key came back too."""
    answer = restored.early.by(restored.bob)

    assert answer.headers["Idempotent-Replayed"] == "true"
    assert answer.json()["message_id"] == restored.answers[0]


def test_a_request_from_after_the_backup_is_done_anew(restored: Tale) -> None:
    answer = restored.late.by(restored.bob)

    assert "Idempotent-Replayed" not in answer.headers
    assert answer.json()["message_id"] != restored.answers[1]


def test_a_token_of_before_is_good_still(restored: Tale) -> None:
    answer = httpx.get(
        f"{restored.alice.base}/api/v1/messages", headers={"Authorization": f"Bearer {restored.token}"}
    )

    assert answer.status_code == 200


def test_the_hub_signs_with_the_key_that_it_had(restored: Tale) -> None:
    new = restored.alice.post(f"/sessions/{restored.alice.id}/token", {}).json()["token"]

    assert new.split(".")[0] == restored.token.split(".")[0], "another header, so another `kid`"


def test_what_was_revoked_after_the_backup_is_not_any_more(restored: Tale) -> None:
    """No good thing: whoever restores has to revoke it again."""
    base = restored.alice.base

    answer = httpx.get(f"{base}/api/v1/sessions", headers={"X-AISP-Key": restored.revoked})

    assert answer.status_code == 200


def test_the_audit_log_verifies_and_leads_through_a_head_of_before(restored: Tale) -> None:
    restored.place.manage("audit", "verify")
    restored.place.manage("audit", "verify", *OF_REALM, "--head", restored.noted[0])


def test_a_head_from_after_the_backup_shows_that_events_are_lost(restored: Tale) -> None:
    said = restored.place.refused("audit", "verify", *OF_REALM, "--head", restored.noted[1])

    assert f"does not lead through the noted head {restored.noted[1]}" in said


def test_all_migrations_are_there(restored: Tale) -> None:
    assert restored.place.manage("migrate", "--check") == ""


def test_a_backup_is_readable_for_its_owner_alone(restored: Tale) -> None:
    assert restored.backup.stat().st_mode & 0o777 == 0o600
    assert [path for path in restored.backup.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("arguments", "on_sqlite", "on_postgresql"),
    [
        ((), "There is a database in", "is not empty"),
        (("--force",), "is running. Stop it first", "--force is for SQLite"),
    ],
)
def test_a_hub_that_runs_is_not_written_over(
    restored: Tale, arguments: tuple[str, ...], on_sqlite: str, on_postgresql: str
) -> None:
    held = restored.held()

    said = restored.place.refused("restore", str(restored.backup), *arguments)

    assert (on_sqlite if settings.HUB_EMBEDDED else on_postgresql) in said
    assert restored.held() == held
