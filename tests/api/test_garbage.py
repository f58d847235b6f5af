"""A request and its body are gone when it is answered, without the collector of cyclic garbage."""

import gc
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from hub.api.exchange import Exchange
from hub.api.handler import Handler
from hub.api.viewset import HubViewSet
from tests.cases import cases
from tests.cast import Agent
from tests.live.scope import SCOPE

OF_A_REQUEST = (HttpRequest, HttpResponse, Request, HubViewSet, Exchange, io.BytesIO)

REQUESTS = {
    "send": ("POST", "/api/v1/messages", 200),
    "poll": ("GET", "/api/v1/messages", 200),
    "write memory": ("POST", "/api/v1/memory", 200),
    "read memory": ("GET", "/api/v1/memory", 200),
    "refused": ("GET", "/api/v1/sessions/unknown", 404),
    "wrong method": ("DELETE", "/api/v1/messages", 405),
    "unknown path": ("GET", "/api/v1/unknown", 404),
}


@pytest.fixture(autouse=True)
def connection_kept() -> Iterator[None]:
    """As with the tests' client, the end of a request leaves the connection of the test alone."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def body_for(agent: Agent, name: str) -> Any:
    envelope = {"aisp": "0.1", "from": agent.id, "to": agent.id, "category": "message", "payload": {}}
    return {"send": envelope, "write memory": {"entries": [{"key": "a", "value": "x" * 9999}]}}.get(name)


HANDLER = Handler()


def status_of(agent: Agent, name: str) -> int:
    """Answer a request as the server has it answered: the tests' client keeps more than a server does."""
    method, path, _ = REQUESTS[name]
    headers = [(key.lower().encode(), value.encode()) for key, value in agent.headers().items()]
    scope = {**SCOPE, "method": method, "path": path, "headers": headers}
    exchange = Exchange.of_scope(scope)
    exchange.body = json.dumps(body).encode() if (body := body_for(agent, name)) else b""
    response = HANDLER.answer(ASGIRequest(scope, io.BytesIO(exchange.body)), exchange)
    response.close()
    return response.status_code


TRIES = 3  # a server of other tests in this process may begin or end a request meanwhile


def alive() -> int:
    """Count what belongs to a request and is there."""
    # Their types, since to ask a lazy object of another test what it is makes it find out.
    return sum(issubclass(type(each), OF_A_REQUEST) for each in gc.get_objects())


@pytest.mark.django_db
@cases("name", REQUESTS)
def test_a_request_is_forgotten_when_it_is_answered(alice: Agent, name: str) -> None:
    _, _, expected = REQUESTS[name]
    assert status_of(alice, name) == expected  # what is made once is made
    gc.collect()
    gc.disable()
    try:
        left: set[int] = set()
        for _ in range(TRIES):
            before = alive()
            assert status_of(alice, name) == expected
            left.add(alive() - before)
        assert 0 in left
    finally:
        gc.enable()
