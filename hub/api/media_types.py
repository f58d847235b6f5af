"""Media types: the answers that a client accepts, and the bodies that the hub reads."""

from realms.refusal import Refusal

JSON = "application/json"


def accepts(header: str | None, media_type: str) -> bool:
    """Tell whether an Accept header (RFC 9110 §12.5.1) admits `media_type`."""
    if header is None or not header.strip():
        return True
    kind = media_type.split("/")[0]
    admitted = {"*/*": False, f"{kind}/*": False, media_type: False}
    for part in header.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if name in admitted:
            admitted[name] = not any(_is_zero_weight(parameter) for parameter in parameters)
            if name == media_type:
                return admitted[name]
    return any(admitted.values())


def _is_zero_weight(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name.strip() == "q" and not value.strip().strip("0.")


def refuse_unless_json(content_type: str | None, content_encoding: str | None) -> None:
    """Check that the headers of a body say uncompressed JSON in UTF-8.

    A body without Content-Type counts as JSON, since the API reads nothing else.

    Raises:
        Refusal: `unsupported_media_type`.
    """
    if content_encoding and content_encoding.strip().lower() != "identity":
        raise Refusal(
            "unsupported_media_type", "Compressed bodies are not taken; leave Content-Encoding out."
        )
    if not content_type:
        return
    media_type, _, parameters = content_type.partition(";")
    is_json = media_type.strip().lower() == JSON
    given = [parameter.strip().lower() for parameter in parameters.split(";")]
    charsets = [parameter[8:].strip('"') for parameter in given if parameter.startswith("charset=")]
    if not is_json or any(charset != "utf-8" for charset in charsets):
        raise Refusal("unsupported_media_type")
