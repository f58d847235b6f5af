"""Every way in which the hub says no, written here once.

The answer's status and title, the page that its `type` points to, and the errors of the published schema
all come from this catalogue.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One way to say no: HTTP `status`, short `title`, what it `means` and how to `fix` it."""

    status: int
    title: str
    means: str
    fix: str


PROBLEMS: dict[str, Problem] = {}


def _problem(code: str, status: int, title: str, means: str, fix: str) -> None:
    PROBLEMS[code] = Problem(status, title, means, fix)


# Requests that cannot be read.
_problem(
    "invalid_json", 400, "The body is not acceptable JSON",
    "The body is not JSON as RFC 8259 has it, or it holds something that two readers could take for two "
    "things: a repeated member, NaN, a number beyond 64 bits or a double, NUL, half a surrogate pair, or "
    "more than 64 levels.",
    "Send one JSON value in UTF-8; `errors` names the place of the first fault.",
)  # fmt: skip
_problem(
    "invalid_request", 400, "The request is not valid",
    "A member or a parameter is missing, unknown, or has a value that the operation does not take.",
    "Correct what `errors` names; the operation's schema is at /api/v1/schema.",
)  # fmt: skip
_problem(
    "invalid_cursor", 400, "The cursor is not valid here",
    "A cursor works only with the query that gave it, and only as it was given.",
    "Follow the `next` link as it stands, or start again without `cursor`.",
)  # fmt: skip
_problem(
    "unsupported_version", 400, "This AISP version is not supported",
    "The envelope's `aisp` names a version that this hub does not speak.",
    'Send "aisp": "0.1".',
)  # fmt: skip
_problem(
    "invalid_category", 400, "This category is not valid",
    "A session may not send messages of this category.",
    "Use message, delegate, result, event, error, ping or pong.",
)  # fmt: skip
_problem(
    "invalid_signature", 400, "The signature does not verify",
    "`sig` is not the sender's Ed25519 signature over the RFC 8785 form of the envelope without `sig`.",
    "Sign the canonical form with the private half of the session's `public_key`, or leave `sig` out.",
)  # fmt: skip
_problem(
    "signature_required", 400, "This realm takes signed envelopes only",
    "The realm's owner requires `sig` on every envelope.",
    "Register the session with a `public_key` and sign what it sends.",
)  # fmt: skip
_problem(
    "session_required", 400, "The acting session is not clear",
    "The operation acts as a session, and the API key owns none or several.",
    "Name one of the key's sessions in the X-AISP-Session header.",
)  # fmt: skip
_problem(
    "ambiguous_credentials", 400, "Two credentials in one request",
    "The request carries both X-AISP-Key and Authorization.",
    "Send exactly one of them.",
)  # fmt: skip
_problem(
    "invalid_capability", 400, "This capability cannot be granted",
    "A grant covers memory.read, memory.write, memory.delete, or a capability that the target declared.",
    "GET /api/v1/sessions/{id} shows what the target declared.",
)  # fmt: skip
_problem(
    "invalid_namespace", 400, "This namespace cannot be granted",
    "A memory grant needs `*`, an exact key or a subtree such as `project.*` that the target can give; "
    "another capability takes none.",
    "Ask the session that owns the namespace, and for no more than it owns.",
)  # fmt: skip
# Callers.
_problem(
    "invalid_credentials", 401, "A valid credential is needed",
    "The request has no credential, or one that this hub does not accept.",
    "Send an API key in the X-AISP-Key header, or a token of a session as Authorization: Bearer. The realm's "
    "owner issues keys in the console, an operator with `manage.py apikey issue`.",
)  # fmt: skip
_problem(
    "key_expired", 401, "This API key has expired",
    "The key, or this secret of it, was valid until a time that has passed.",
    "Ask the realm's owner for the new secret or for a new key.",
)  # fmt: skip
_problem(
    "key_revoked", 401, "This API key was revoked",
    "The realm's owner or an operator ended this key for good.",
    "Ask the realm's owner for a new key.",
)  # fmt: skip
_problem(
    "scope_missing", 403, "The credential's scope does not cover this",
    "GET needs the scope `read`, every other method the scope `write`.",
    "Use a key that has the scope.",
)  # fmt: skip
_problem(
    "realm_suspended", 403, "This realm is suspended",
    "The hub's operator has suspended the realm; nothing in it is lost.",
    "The realm's owner should contact the operator.",
)  # fmt: skip
_problem(
    "realm_access_denied", 403, "Not your realm",
    "The request names a realm other than the credential's own.",
    "Leave `realm` out, or name the credential's own realm.",
)  # fmt: skip
_problem(
    "session_not_owned", 403, "Not your session",
    "The caller may act only as a session that its own credential registered.",
    "Name a session that this API key registered and that is not deregistered.",
)  # fmt: skip
_problem(
    "grant_required", 403, "A grant is needed",
    "The other session has not given the acting session an active grant for this.",
    "Ask with POST /api/v1/grants and wait for the approval in the inbox.",
)  # fmt: skip
_problem(
    "grant_not_yours", 403, "Not a grant of yours",
    "Only the session that asked for a grant or the one that gives it may end it, and only the giving one "
    "may approve or deny it.",
    "Act as one of the two sessions, with the X-AISP-Session header if the key owns several.",
)  # fmt: skip
_problem(
    "api_key_required", 403, "Only an API key may do this",
    "A session is registered by an API key, which owns it from then on; a token acts as a session.",
    "Send the API key in the X-AISP-Key header.",
)  # fmt: skip
_problem(
    "role_missing", 403, "Your role does not cover this",
    "A realm's owner may do everything, an admin all but what only the owner may, and a viewer looks.",
    "Ask the realm's owner or an admin to do it, or for another role.",
)  # fmt: skip
_problem(
    "invitation_not_yours", 403, "The invitation is for another address",
    "An invitation is accepted by whoever has signed in with the address that it was sent to.",
    "Sign in with that address, or ask for an invitation to yours.",
)  # fmt: skip
_problem(
    "quota_exceeded", 403, "There is no room for more",
    "A realm may have only so many sessions, memory entries and bytes, keys and members, and a person may "
    "own only so many realms.",
    "Delete or revoke what is not needed, or have the realm's owner ask the operator for more room.",
)  # fmt: skip
# Things.
_problem(
    "not_found", 404, "There is nothing at this path",
    "The path names no operation of this hub.",
    "The operations are listed at /api/docs. Paths have no trailing slash.",
)  # fmt: skip
_problem(
    "session_not_found", 404, "Session not found",
    "The realm has no such session, or it was deregistered.",
    "GET /api/v1/sessions lists the sessions of the realm.",
)  # fmt: skip
_problem(
    "recipient_not_found", 404, "Recipient session not found",
    "A recipient is not a session of this realm, or was deregistered. Nothing was sent to anybody.",
    "Take the recipients that `errors` names out, and send again.",
)  # fmt: skip
_problem(
    "message_not_found", 404, "Message not found",
    "The acting session has neither sent such a message nor is it in its inbox.",
    "Messages are kept for the realm's retention and then dropped.",
)  # fmt: skip
_problem(
    "ping_not_waiting", 404, "No such ping is waiting",
    "The hub waits 5 seconds for a pong, and no ping to the sender with this nonce is waiting now.",
    "Nothing needs to be done; the next ping has a nonce of its own.",
)  # fmt: skip
_problem(
    "memory_key_not_found", 404, "Key not found",
    "The realm's memory has no entry under this key.",
    "GET /api/v1/memory lists the entries that the acting session may read.",
)  # fmt: skip
_problem(
    "grant_not_found", 404, "Grant not found",
    "The realm has no such grant.",
    "GET /api/v1/grants lists the grants of the acting session.",
)  # fmt: skip
_problem(
    "method_not_allowed", 405, "The path does not take this method",
    "The path exists, but not with this method.",
    "Use a method that the Allow header names.",
)  # fmt: skip
_problem(
    "not_acceptable", 406, "No representation that you accept",
    "The operation answers in a media type that the Accept header rules out.",
    "Leave Accept out, or accept application/json.",
)  # fmt: skip
_problem(
    "ping_timeout", 408, "No pong within 5 seconds",
    "The session did not answer the ping; it may be inactive.",
    "GET /api/v1/sessions/{id} shows when it was last seen and whether a stream is open.",
)  # fmt: skip
_problem(
    "request_timeout", 408, "The request did not arrive in time",
    "The request's headers or its body took more than 10 seconds to arrive.",
    "Send the whole request without pausing.",
)  # fmt: skip
_problem(
    "realm_slug_taken", 409, "The realm's name is taken",
    "Each person's realms have different names.",
    "Choose another name.",
)  # fmt: skip
_problem(
    "session_name_taken", 409, "The name is taken",
    "A session of this realm has this name; letter case makes no difference.",
    "Choose another name, or deregister the other session.",
)  # fmt: skip
_problem(
    "version_conflict", 409, "The entry has another version",
    "An `if_version` does not match, so nothing was written. `errors` and `versions` name the entries.",
    "Read the entry, merge, and write with its current version.",
)  # fmt: skip
_problem(
    "grant_already_pending", 409, "The same request is pending",
    "The acting session has already asked the target for the same capability and namespace.",
    "Wait for the answer in the inbox, or withdraw the request with DELETE /api/v1/grants/{id}.",
)  # fmt: skip
_problem(
    "grant_not_pending", 409, "The grant is not pending",
    "Only a pending grant can be approved or denied.",
    "GET /api/v1/grants/{id} shows its status. A new request makes a new grant.",
)  # fmt: skip
_problem(
    "grant_already_ended", 409, "The grant has ended",
    "A grant that was denied, revoked or has expired stays so.",
    "A new request makes a new grant.",
)  # fmt: skip
_problem(
    "rotation_in_grace", 409, "The key was rotated just now",
    "The secret of the rotation before still works, and a key has at most two that do.",
    "Wait until its grace is over, or force the rotation, which ends the oldest secret at once.",
)  # fmt: skip
_problem(
    "idempotency_in_progress", 409, "The first request is still running",
    "A request with this Idempotency-Key is being worked on, and its answer is not known yet.",
    "Send the request again after the seconds in Retry-After; it then gets the answer of the first.",
)  # fmt: skip
_problem(
    "body_too_large", 413, "The body is too large",
    "A body may have 1 MiB, and 8 MiB on /api/v1/memory.",
    "Send less at a time.",
)  # fmt: skip
_problem(
    "unsupported_media_type", 415, "Not JSON",
    "A request body has to be application/json in UTF-8, without Content-Encoding.",
    "Set Content-Type: application/json (with curl: -H 'Content-Type: application/json').",
)  # fmt: skip
_problem(
    "value_too_large", 422, "A value exceeds 64 KiB",
    "A memory value may have 65,536 bytes as compact JSON in UTF-8. Nothing was written.",
    "Split the value over several keys.",
)  # fmt: skip
_problem(
    "idempotency_key_reused", 422, "This Idempotency-Key stands for another request",
    "The API key has used this Idempotency-Key within the last 24 hours for another path, body or session.",
    "Make a new Idempotency-Key for each request, and use it again only to repeat that very request.",
)  # fmt: skip
_problem(
    "sse_required", 426, "This is an event stream",
    "The path answers with Server-Sent Events, which the Accept header rules out.",
    "Send Accept: text/event-stream, as an SSE client does.",
)  # fmt: skip
_problem(
    "inbox_full", 429, "The recipient's inbox is full",
    "A recipient has as many unread messages as its realm allows. Nothing was sent to anybody.",
    "Try again after the seconds in Retry-After, when the recipient has read some.",
)  # fmt: skip
_problem(
    "too_many_streams", 429, "Too many streams",
    "A session may have 8 open streams, and a realm as many as its settings say.",
    "Close one, or read from one that is open.",
)  # fmt: skip
_problem(
    "too_many_large_bodies", 429, "Too many large bodies at once",
    "The hub works on one body over 64 KiB of an API key at a time, and others of the key wait up to 5 s.",
    "Wait as long as Retry-After says and send the request again. Send large bodies one after the other.",
)  # fmt: skip
_problem(
    "too_many_unread_answers", 429, "Too many answers are not read",
    "The answers to this API key that its clients have not read yet take up 16 MiB.",
    "Read the answers that are under way, or close their connections. Then send the request again.",
)  # fmt: skip
_problem(
    "head_too_large", 431, "The headers are too large",
    "The request line and all headers together may have 32 KiB (RFC 6585, section 5).",
    "Send fewer or shorter headers, and what is long in the body.",
)  # fmt: skip
_problem(
    "rate_limited", 429, "Too many requests",
    "An API key and its tokens may send only so many reads and writes a minute, and all keys of a realm only "
    "so many requests. If too many credentials from one address are refused, only credentials that were "
    "accepted in the last hour work there.",
    "Wait for the seconds in Retry-After; the RateLimit header of every answer says how much is left.",
)  # fmt: skip
# The hub.
_problem(
    "internal_error", 500, "The hub has a fault",
    "Something went wrong inside the hub. What was asked may or may not have happened.",
    "Try again, and report the request_id to the operator if it stays.",
)  # fmt: skip
_problem(
    "unavailable", 503, "The hub is not available",
    "The hub cannot reach its database, is shutting down, or is being sent too many large bodies.",
    "Try again after the seconds in Retry-After.",
)  # fmt: skip
