"""What the signature of an envelope covers; without Django, since it runs beside the server too."""

from typing import Any

import msgspec
import rfc8785

from realms.refusal import refusal_at


def signed_form(written: bytes) -> bytes:
    """Return the canonical form of an envelope as written, without `sig` (RFC 8785).

    Raises:
        Refusal: `invalid_signature`, if it has none.
    """
    members = msgspec.json.decode(written, type=dict[str, Any])
    try:
        return rfc8785.dumps({name: value for name, value in members.items() if name != "sig"})
    except rfc8785.CanonicalizationError as error:
        detail = f"The envelope has no canonical form (RFC 8785): {error}"
        raise refusal_at("/sig", detail, "invalid_signature") from None
