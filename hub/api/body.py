"""Request bodies: what may come, how much of it, and reading it under WSGI."""

from django.http import HttpRequest

from realms.refusal import Refusal

MIB = 1024 * 1024
BODY_BYTES = MIB
MEMORY_BODY_BYTES = 8 * MIB
MEMORY_PATH = "/api/v1/memory"


def limit_of(path: str) -> int:
    """Return how many bytes a body sent to `path` may have."""
    return MEMORY_BODY_BYTES if path == MEMORY_PATH else BODY_BYTES


def too_large(limit: int) -> Refusal:
    """Return the refusal of a body beyond `limit` bytes."""
    return Refusal("body_too_large", f"The body has more than {limit} bytes. Send less at a time.")


def check_media_type(content_type: str | None, content_encoding: str | None) -> None:
    """Raise `Refusal` `unsupported_media_type` unless the headers of a body say uncompressed JSON in UTF-8.

    A body without Content-Type is taken for JSON, since nothing else is to be had here.
    """
    if content_encoding and content_encoding.strip().lower() != "identity":
        raise Refusal(
            "unsupported_media_type", "Compressed bodies are not taken; leave Content-Encoding out."
        )
    if not content_type:
        return
    media_type, _, parameters = content_type.partition(";")
    is_json = media_type.strip().lower() == "application/json"
    given = [parameter.strip().lower() for parameter in parameters.split(";")]
    charsets = [parameter[8:].strip('"') for parameter in given if parameter.startswith("charset=")]
    if not is_json or any(charset != "utf-8" for charset in charsets):
        raise Refusal("unsupported_media_type")


def checked_length(header: str, limit: int) -> int:
    """Return what Content-Length says (RFC 9110 §8.6: digits alone).

    Raises:
        Refusal: `invalid_request`, if it is no number; `body_too_large`, if it is over `limit`.
    """
    if not (header.isascii() and header.isdecimal()):
        raise Refusal("invalid_request", "Content-Length is not a number.")
    # Python reads no number of over 4300 digits.
    digits = header.lstrip("0") or "0"
    if len(digits) > len(str(limit)) or int(digits) > limit:
        raise too_large(limit)
    return int(digits)


def read_body(request: HttpRequest) -> bytes:
    """Return the body of a request, however it is framed.

    Raises:
        Refusal: `body_too_large`, before more than the limit is read; `unsupported_media_type`;
            `invalid_request`, if Content-Length is no number.
    """
    limit = limit_of(request.path_info)
    length = request.META.get("CONTENT_LENGTH")
    if length:
        body = request.read(checked_length(length, limit))
    elif "HTTP_TRANSFER_ENCODING" in request.META:
        # Django reads as much as Content-Length says, which a chunked request does not have.
        body = request.environ["wsgi.input"].read(limit + 1)  # type: ignore[attr-defined]
        if len(body) > limit:
            raise too_large(limit)
    else:
        body = b""
    if body:
        check_media_type(request.META.get("CONTENT_TYPE"), request.META.get("HTTP_CONTENT_ENCODING"))
    return body
