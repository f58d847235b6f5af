"""The headers of requests and answers in the published schema, credentials among them."""

from typing import Any

Json = dict[str, Any]

REQUEST_ID_HEADER = {"description": "The request's id, for the log.", "schema": {"type": "string"}}
LINK_HEADER = {"description": 'The next page: `<…>; rel="next"` (RFC 8288).', "schema": {"type": "string"}}
RETRY_HEADER = {"description": "Seconds after which to try again.", "schema": {"type": "string"}}
CHALLENGE_HEADER = {"description": "RFC 9110 §11.6.1.", "schema": {"type": "string"}}
REPLAYED_HEADER = {
    "description": "`true`: the answer of an earlier request with the same Idempotency-Key.",
    "schema": {"const": "true"},
}
LIMIT_HEADERS = {
    "RateLimit-Policy": {
        "description": "The limit: its name, `q` requests in `w` s (draft-ietf-httpapi-ratelimit-headers).",
        "schema": {"type": "string", "examples": ['"write";q=200;w=60']},
    },
    "RateLimit": {
        "description": "What is left of it: `r` requests now; after `t` seconds the oldest counts no more.",
        "schema": {"type": "string", "examples": ['"write";r=199;t=60']},
    },
}
IDEMPOTENCY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": (
        "Makes the request safe to send again: it is done once, and its answer kept for 24 hours and "
        "repeated while the caller may do the operation. It belongs to one caller: an API key together with "
        "the session that the request names, or the tokens of one session. 1 to 255 visible ASCII "
        "characters, a new one for each request."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]+$"},
    "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
}
ALLOW_HEADER = {"description": "The methods that the path takes.", "schema": {"type": "string"}}

SECURITY_SCHEMES: Json = {
    "ApiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-AISP-Key",
        "description": "Issued by the realm's owner: `aisp_` and 38 letters and digits.",
    },
    "SessionToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": (
            "Acts as one session. Issued by `POST /api/v1/sessions/{session_id}/token`, or signed by the "
            "session itself with its registered `public_key`: header `alg: EdDSA` and `kid`, its session "
            "id; claims `iss` and `sub`, the same id, `aud`, the hub's origin, `iat`, `exp` at most 900 s "
            "later, and `jti`. A claim `scope` (`read`, `write` or both with a space) narrows it."
        ),
    },
}
SECURITY: list[Json] = [{"ApiKey": []}, {"SessionToken": []}]
