"""Content-Length: a WSGI server that is not told it sends an answer in chunks."""

import pytest
from pytest_django import Settings

from tests.client import Client


@pytest.mark.parametrize("path", ["api/v1/messages", "api/nothing", "livez", "docs"])
def test_every_answer_says_how_long_it_is(client: Client, db: None, path: str) -> None:
    answer = client.get(f"/{path}")

    assert answer.headers["Content-Length"] == str(len(answer.content)) != "0"


def test_one_without_a_body_does_not(client: Client, db: None, settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://agent.example"]
    headers = {"Origin": "https://agent.example", "Access-Control-Request-Method": "POST"}

    answer = client.options("/api/v1/messages", headers=headers)

    assert answer.status_code == 204
    assert "Content-Length" not in answer.headers
