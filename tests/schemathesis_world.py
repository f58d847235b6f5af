"""The world that Schemathesis calls into: who is there, and what a valid request can refer to.

A schema says what a request looks like, not what exists. This gives generated requests real ids, future
times and signatures that verify, so that every operation also succeeds. Of all ids that are up to it,
one in eight is left as it was drawn; what was drawn to be invalid is never touched.
"""

import base64
import itertools
import json
import re
import threading
import zlib
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ID = re.compile(r"\b(?:sess|msg|grant)_[0-7][0-9A-HJKMNP-TV-Z]{25}\b")
ANY_ID = re.compile(r"(?i:sess|msg|grant)_[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}")
SILENT_PINGS = 3  # each costs the 5 s that the hub waits
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**64 - 1


def ed25519_text(content: bytes) -> str:
    """Return keys and signatures as the wire has them."""
    return "ed25519:" + base64.b64encode(content).decode()


class World:
    """A realm of a running hub.

    Attributes:
        alice: sends, asks and writes. Her key pair is `private_key`, and bob has granted her
            `delegate.receive`.
        bob: gets messages and decides about grants.
        ponger: answers every ping.
        known: ids that the hub has given out.
        actor_of: which session sent a message, wrote a key, or decides about a grant.
    """

    def __init__(self, origin: str, key: str) -> None:
        self.client = httpx.Client(base_url=f"{origin}/api/v1", headers={"X-AISP-Key": key}, timeout=20)
        self.private_key = Ed25519PrivateKey.generate()
        self.public_key = ed25519_text(
            self.private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        )
        self.known: set[str] = set()
        self.actor_of: dict[str, str] = {}
        self._number = itertools.count(1)
        self._silent_pings = itertools.count(1)
        self.alice = self.new_session(public_key=self.public_key)
        self.bob = self.new_session(capabilities=["delegate.receive"])
        self.ponger = self.new_session()
        self.protected = {self.alice, self.bob, self.ponger}
        grant = self.new_grant(capability="delegate.receive", namespace=None)
        self._call("POST", f"grants/{grant}/approve", as_session=self.bob)
        threading.Thread(target=self._answer_pings, daemon=True).start()

    def _call(self, method: str, path: str, body: Any = None, as_session: str = "") -> Any:
        headers = {"X-AISP-Session": as_session} if as_session else {}
        answer = self.client.request(method, path, json=body, headers=headers)
        answer.raise_for_status()
        self.note(answer.text)
        return answer.json()

    def note(self, text: str) -> None:
        """Remember the ids in an answer."""
        self.known.update(ID.findall(text))

    def new_session(self, **members: Any) -> str:
        """Register a session and return its id."""
        body = {"name": f"agent-{next(self._number)}", "kind": "service", **members}
        return str(self._call("POST", "sessions", body)["id"])

    def new_grant(self, capability: str = "memory.read", namespace: str | None = "") -> str:
        """Have alice ask bob for a grant and return its id."""
        body = {"to": self.bob, "capability": capability, "namespace": namespace}
        if namespace == "":
            body["namespace"] = f"asked-{next(self._number)}.*"
        grant = str(self._call("POST", "grants", body, as_session=self.alice)["grant_id"])
        self.actor_of[grant] = self.bob
        return grant

    def new_message(self) -> str:
        """Have alice write to herself and return the message's id."""
        body = {
            "aisp": "0.1",
            "from": self.alice,
            "to": self.alice,
            "category": "event",
            "payload": {"n": next(self._number)},
        }
        message = str(self._call("POST", "messages", body)["message_id"])
        self.actor_of[message] = self.alice
        return message

    def new_entry(self) -> str:
        """Have alice write a memory entry and return its key."""
        key = f"alice.entry-{next(self._number)}"
        self._call("POST", "memory", {"entries": [{"key": key, "value": 1}]}, as_session=self.alice)
        self.actor_of[key] = self.alice
        return key

    def _answer_pings(self) -> None:
        headers = {"X-AISP-Session": self.ponger, "Accept": "text/event-stream"}
        while True:
            with (
                suppress(httpx.HTTPError),
                self.client.stream(
                    "GET", "messages/stream", headers=headers, timeout=httpx.Timeout(20, read=60)
                ) as stream,
            ):
                buffer = b""
                for chunk in stream.iter_raw():
                    # Not `iter_lines`, which also ends lines at U+2028 and its like, inside of JSON.
                    *lines, buffer = (buffer + chunk).split(b"\n")
                    for line in lines:
                        if line.startswith(b"data:"):
                            self._answer_ping(json.loads(line.removeprefix(b"data:")))

    def _answer_ping(self, message: dict[str, Any]) -> None:
        if message.get("category") != "ping":
            return
        pong = {
            "aisp": "0.1",
            "from": self.ponger,
            "to": message["from"],
            "category": "pong",
            "payload": {"nonce": message["payload"].get("nonce")},
        }
        self.client.post("messages", json=pong)  # a ping that a test sent waits for no pong: never mind

    # What a generated request gets in the place of what was drawn.

    def is_left(self, drawn: Any) -> bool:
        """Tell whether a drawn value is to stay: it was given out by the hub, or it is one of eight."""
        text = str(drawn)
        return text in self.known or text in self.actor_of or zlib.crc32(text.encode()) % 8 == 0

    def is_left_id(self, drawn: Any) -> bool:
        """Tell the same of an id in a header, where a valid request of the coverage phase may have `0`."""
        return ANY_ID.fullmatch(str(drawn)) is not None and self.is_left(drawn)

    def path_value(self, operation: str, name: str, drawn: str) -> str:
        """Return a path parameter that names something."""
        if operation == "sessions_ping":
            if drawn in self.known and drawn != self.ponger and next(self._silent_pings) > SILENT_PINGS:
                return self.ponger
            return drawn if self.is_left(drawn) else self.ponger
        if operation == "sessions_deregister" and drawn.upper() in {name.upper() for name in self.protected}:
            return self.new_session()
        if self.is_left(drawn):
            return drawn
        if name == "session_id":
            return self.new_session() if operation == "sessions_deregister" else self.bob
        if name == "grant_id":
            return self.new_grant()
        return self.new_message() if name == "message_id" else self.new_entry()

    def query(self, query: dict[str, Any]) -> dict[str, Any]:
        """Return query parameters that refer to what is there."""
        if "realm" in query and not self.is_left(query["realm"]):
            query["realm"] = "default"
        if "after" in query and not self.is_left(query["after"]):
            query["after"] = self.new_message()
        # A cursor is signed by the hub for the query that it continues: nobody can draw one.
        query.pop("cursor", None)
        return query

    def body(self, operation: str, body: dict[str, Any], *, acting: str, grant: str) -> dict[str, Any]:
        """Return a body that refers to what is there.

        Args:
            acting: the session that the request names.
            grant: what the path names.
        """
        body = in_range(body)
        if isinstance(body.get("realm"), str) and not self.is_left(body["realm"]):
            body["realm"] = "default"
        if isinstance(body.get("expires_at"), str):
            body["expires_at"] = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        match operation:
            case "sessions_register":
                if body.get("public_key"):
                    body["public_key"] = self.public_key
            case "messages_send":
                self._envelope(body)
            case "messages_acknowledge":
                self._acknowledgement(body)
            case "memory_write":
                # No key twice: a schema can compare whole entries only.
                body["entries"] = list({entry["key"]: entry for entry in body["entries"]}.values())
            case "grants_request_grant":
                if not self.is_left(body["to"]):
                    body["to"] = self.bob
                if not body["capability"].startswith("memory."):
                    body["to"], body["capability"] = self.bob, "delegate.receive"
                if body["to"].upper() == acting.upper():
                    body["to"] = self.ponger if acting == self.bob else self.bob
                    body |= {"capability": "memory.read", "namespace": f"self-{next(self._number)}"}
            case "grants_approve":
                if isinstance(body.get("namespace"), str):
                    del body["namespace"]
                    if grant in self.actor_of:
                        body |= self._narrowed(grant)
        return body

    def _narrowed(self, grant: str) -> dict[str, str]:
        asked = self._call("GET", f"grants/{grant}", as_session=self.actor_of[grant])["namespace"]
        return {"namespace": asked.replace("*", "narrow")} if asked else {}

    def _envelope(self, body: dict[str, Any]) -> None:
        if not self.is_left(body["from"]):
            body["from"] = self.alice
        if isinstance(body["to"], list):
            body["to"] = [self.bob, self.alice][: len(body["to"])]
        elif body["to"] != "hub" and not self.is_left(body["to"]):
            body["to"] = self.bob
        if body["category"] == "delegate":
            body |= {"from": self.alice, "to": self.bob}
            if body.get("capability"):
                body["capability"] = "delegate.receive"
        if body.pop("sig", None) is not None:
            body["from"] = self.alice
            # RFC 8785 has no form for numbers beyond 2^53: such an envelope stays unsigned.
            with suppress(rfc8785.CanonicalizationError):
                body["sig"] = ed25519_text(self.private_key.sign(rfc8785.dumps(body)))

    def _acknowledgement(self, body: dict[str, Any]) -> None:
        if body.get("ids"):
            body["ids"] = [name if self.is_left(name) else self.new_message() for name in body["ids"][:3]]
        if body.get("up_to") and not self.is_left(body["up_to"]):
            body["up_to"] = self.new_message()


def in_range(value: Any) -> Any:
    """Return a copy with every integer in 64 bits, beyond which JSON readers differ, and without fraction.

    JSON Schema takes 1.0 for an integer; the hub, like any typed reader, does not.
    """
    if isinstance(value, dict):
        return {name: in_range(member) for name, member in value.items()}
    if isinstance(value, list):
        return [in_range(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return min(max(value, MIN_INTEGER), MAX_INTEGER)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value
