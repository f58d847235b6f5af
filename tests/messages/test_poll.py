"""GET /messages."""

import json

import pytest

from hub.messages.inbox import INBOX_START, Outgoing, post_notice
from hub.messages.models import Message
from realms.models import Realm
from tests.cases import cases
from tests.cast import Agent
from tests.rows import expire, sent_ago, unread_of

UNKNOWN = "msg_01HX9J2N3PQRSTVWXYZ0123456"


def send_many(sender: Agent, to: Agent, number: int) -> list[str]:
    return [str(sender.send(to, payload={"n": n}).json["message_id"]) for n in range(number)]


def ids(reader: Agent, query: str = "") -> list[str]:
    return [str(message["id"]) for message in reader.inbox(query)]


def test_it_answers_as_the_reference_shows(alice: Agent, bob: Agent) -> None:
    sent = alice.send(bob, "event").json["message_id"]

    answer = bob.get("messages")

    assert answer.status == 200
    message = answer.json["messages"][0]
    assert len(message["sent_at"]) == 27
    assert answer.json == {
        "messages": [
            {
                "id": sent,
                "from": alice.id,
                "category": "event",
                "sent_at": message["sent_at"],
                "payload": {"text": "hello"},
            }
        ],
        "unread_count": 1,
    }


def test_an_empty_inbox_has_an_empty_page(alice: Agent) -> None:
    assert alice.get("messages").json == {"messages": [], "unread_count": 0}


def test_it_returns_the_oldest_first_and_each_once(alice: Agent, bob: Agent, charlie: Agent) -> None:
    sent = send_many(alice, bob, 3) + send_many(charlie, bob, 3)

    assert ids(bob) == sent
    assert ids(bob) == []


def test_it_marks_exactly_what_it_returned(alice: Agent, bob: Agent) -> None:
    sent = send_many(alice, bob, 5)

    first = bob.get("messages?limit=2").json

    assert [message["id"] for message in first["messages"]] == sent[:2]
    assert first["unread_count"] == 5
    assert unread_of(bob) == (3, 3)
    second = bob.get("messages?limit=3").json
    assert [message["id"] for message in second["messages"]] == sent[2:]
    assert (second["unread_count"], unread_of(bob)) == (3, (0, 0))


@pytest.mark.parametrize("how", ["", "&peek=true"], ids=["poll", "peek"])
def test_a_full_page_tells_how_many_there_are_without_what_expired(
    alice: Agent, bob: Agent, how: str
) -> None:
    def unread_count() -> int:
        return int(bob.get(f"messages?limit=1{how}").json["unread_count"])

    expiring = alice.send(bob, "event", expires_at="2099-01-01T00:00:00Z").json["message_id"]
    sent = send_many(alice, bob, 4)
    assert bob.get("messages?peek=true&limit=1").json["unread_count"] == 5
    assert bob.get("messages?peek=true&limit=1&category=message").json["unread_count"] == 4
    bob.post("messages/ack", {"ids": sent[3:]})

    expire(expiring)
    assert unread_count() == 3

    bob.inbox()
    send_many(alice, bob, 2)
    assert unread_count() == 2


def test_the_default_limit_is_100(realm: Realm, alice: Agent, bob: Agent) -> None:
    for _ in range(101):
        notice = Outgoing(str(realm.pk), alice.id, [bob.id], category="event", payload="{}")
        post_notice(notice)

    answer = bob.get("messages").json

    assert (len(answer["messages"]), answer["unread_count"]) == (100, 101)


def test_another_sessions_inbox_is_untouched(alice: Agent, bob: Agent, charlie: Agent) -> None:
    alice.send([bob, charlie])

    bob.inbox()

    assert unread_of(charlie) == (1, 1)
    assert len(charlie.inbox()) == 1


def test_it_filters_by_category(alice: Agent, bob: Agent) -> None:
    alice.send(bob, "message")
    event = alice.send(bob, "event").json["message_id"]

    answer = bob.get("messages?category=event").json

    assert ([message["id"] for message in answer["messages"]], answer["unread_count"]) == ([event], 1)
    assert ids(bob, "?category=event") == []
    assert len(ids(bob)) == 1


@pytest.mark.parametrize("form", ["Z", "%2B00:00", "offset"])
def test_since_includes_its_own_instant(alice: Agent, bob: Agent, form: str) -> None:
    sent = send_many(alice, bob, 3)
    for i, message_id in enumerate(sent):
        sent_ago(message_id, hours=3 - i)
    moment = bob.get("messages?peek=true").json["messages"][1]["sent_at"]
    if form == "offset":
        hour = int(moment[11:13])
        day_and_hour = f"{moment[:11]}{hour + 2:02}" if hour < 22 else f"{moment[:11]}{hour - 2:02}"
        text = f"{day_and_hour}{moment[13:-1]}{'%2B' if hour < 22 else '-'}02:00"
    else:
        text = moment.replace("Z", form)

    answer = bob.get(f"messages?since={text}").json

    assert [message["id"] for message in answer["messages"]] == sent[1:]
    assert answer["unread_count"] == 2
    assert ids(bob) == sent[:1]


def test_since_a_messages_own_sent_at_includes_it(alice: Agent, bob: Agent) -> None:
    sent = send_many(alice, bob, 2)
    moment = bob.get("messages?peek=true").json["messages"][1]["sent_at"]

    assert ids(bob, f"?since={moment}") == sent[1:]


def test_since_any_year_is_taken(alice: Agent, bob: Agent) -> None:
    sent = send_many(alice, bob, 1)

    assert ids(bob, "?since=9999-12-31T23:59:59Z") == []
    assert ids(bob, "?since=0001-01-01T00:00:00Z") == sent


@cases(
    "query",
    [
        "since=yesterday",
        "since=2026-04-06T09:00:00",
        "since=2026-04-06",
        "since=0001-01-01T00:00:00%2B01:00",
        "since=",
        "since=1775466000",
        "category=chat",
        "category=",
        "limit=0",
        "limit=501",
        "limit=x",
        "peek=maybe",
        "after=x",
        "after=sess_01HX9J2N3PQRSTVWXYZ0123456",
        f"after={UNKNOWN}%0A",
        "cursor=x",
        "limit=1&limit=1",
    ],
)
def test_a_bad_parameter_is_refused_and_marks_nothing(alice: Agent, bob: Agent, query: str) -> None:
    send_many(alice, bob, 1)

    answer = bob.get(f"messages?{query}")

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["errors"][0]["pointer"] == f"/{query.split('=')[0]}"
    assert unread_of(bob) == (1, 1)


def test_a_realm_that_is_not_the_callers_is_refused(alice: Agent, bob: Agent) -> None:
    sent = send_many(alice, bob, 1)

    answer = bob.get("messages?realm=other")

    assert (answer.status, answer.code) == (403, "realm_access_denied")
    assert ids(bob, "?realm=default") == sent


def test_peek_marks_nothing(alice: Agent, bob: Agent) -> None:
    sent = send_many(alice, bob, 3)

    for _ in range(2):
        answer = bob.get("messages?peek=true&limit=2").json
        assert [message["id"] for message in answer["messages"]] == sent[:2]
        assert answer["unread_count"] == 3
    assert unread_of(bob) == (3, 3)
    assert ids(bob, "?peek=false") == sent


def test_after_returns_read_ones_again(alice: Agent, bob: Agent) -> None:
    sent = send_many(alice, bob, 4)
    assert ids(bob, "?limit=3") == sent[:3]

    answer = bob.get(f"messages?after={sent[0].lower()}").json

    assert [message["id"] for message in answer["messages"]] == sent[1:]
    assert answer["unread_count"] == 1
    assert unread_of(bob) == (0, 0)
    assert ids(bob, f"?after={sent[3]}") == []


def test_after_marks_only_what_it_returned(alice: Agent, bob: Agent) -> None:
    sent = send_many(alice, bob, 4)

    answer = bob.get(f"messages?after={sent[0]}&limit=2").json

    assert [message["id"] for message in answer["messages"]] == sent[1:3]
    assert answer["unread_count"] == 3
    assert ids(bob) == [sent[0], sent[3]]


def test_after_with_peek_marks_nothing(alice: Agent, bob: Agent) -> None:
    sent = send_many(alice, bob, 3)

    assert ids(bob, f"?after={sent[0]}&peek=true") == sent[1:]
    assert ids(bob) == sent


def test_after_takes_the_filters_too(alice: Agent, bob: Agent) -> None:
    first = alice.send(bob).json["message_id"]
    alice.send(bob, "event")
    second = alice.send(bob).json["message_id"]

    assert ids(bob, f"?after={first}&category=message") == [second]


@pytest.mark.parametrize("kind", ["unknown", "of another inbox", "expired"])
def test_after_what_is_not_held_names_the_oldest(alice: Agent, bob: Agent, charlie: Agent, kind: str) -> None:
    sent = send_many(alice, bob, 3)
    other = send_many(alice, charlie, 1)[0]
    expire(sent[0])
    after = {"unknown": UNKNOWN, "of another inbox": other, "expired": sent[0]}[kind]
    assert ids(bob, f"?after={sent[1]}&peek=true") == sent[2:]

    answer = bob.get(f"messages?after={after}")

    assert (answer.status, answer.code, answer.json["oldest"]) == (404, "message_not_found", sent[1])
    assert unread_of(bob) == (3, 3)


def test_after_the_id_before_all_others_comes_everything(alice: Agent, bob: Agent) -> None:
    sent = [alice.send(bob).json["message_id"] for _ in range(3)]
    assert ids(bob) == sent

    assert ids(bob, f"?after={INBOX_START}") == sent
    assert ids(alice, f"?after={INBOX_START}") == []


def test_after_in_an_empty_inbox_names_nothing(alice: Agent) -> None:
    answer = alice.get(f"messages?after={UNKNOWN}")

    assert (answer.status, answer.json["oldest"]) == (404, None)


@cases("query", ["", "?peek=true", "?category=message", "?limit=1"])
def test_expired_ones_are_not_returned(alice: Agent, bob: Agent, query: str) -> None:
    expiring = alice.send(bob, expires_at="2099-01-01T00:00:00Z").json["message_id"]
    sent = [expiring, *send_many(alice, bob, 1)]
    expire(expiring)

    answer = bob.get(f"messages{query}").json

    assert [message["id"] for message in answer["messages"]] == sent[1:]
    assert answer["unread_count"] == 1


@cases(
    "payload",
    [
        '{"z":1,"a":{"y":2,"b":3},"m":[]}',
        '{"large":1e308,"small":5e-324,"zero":-0.0,"tenth":0.1,"whole":1.0}',
        '{"max":18446744073709551615,"min":-9223372036854775808,"beyond_double":9007199254740993}',
        '{"text":"😀 é \\" \\\\ / \\u0001","":null,"true":true}',
        "{}",
    ],
)
def test_a_payload_comes_back_as_it_was_sent(alice: Agent, bob: Agent, payload: str) -> None:
    envelope = (
        f'{{"aisp":"0.1","from":"{alice.id}","to":"{bob.id}","category":"message","payload":{payload}}}'
    )
    assert alice.call("POST", "messages", content=envelope.encode()).status == 200

    kept = Message.objects.get().payload
    received = json.dumps(bob.inbox()[0]["payload"], ensure_ascii=False)

    assert received == json.dumps(json.loads(payload), ensure_ascii=False)
    assert json.loads(kept) == json.loads(payload)
