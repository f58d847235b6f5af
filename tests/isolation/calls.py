"""Requests made of the table's rows, and the answers to them."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from tests.client import Client
from tests.isolation.names import Name, filled
from tests.isolation.table import Form, Row
from tests.isolation.tenants import Tenant
from tests.isolation.tokens import self_signed

REQUEST_ID = "isolation"

# What two answers may differ in that say the same.
_VARYING_HEADERS = {"content-length", "date", "ratelimit", "ratelimit-policy"}
_MADE = re.compile(rb"eyJ[\w.-]+|(sess|msg|grant|evt)_[0-9A-Z]{26}|\d{4}-\d{2}-\d{2}T[0-9:.]+Z")


@dataclass(frozen=True, slots=True)
class Call:
    """A request.

    Attributes:
        named: what it names, by place.
    """

    method: str
    path: str
    headers: dict[str, str]
    content: bytes
    named: dict[str, str]


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer: status line, headers, body."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def code(self) -> str | int:
        """The problem's code, or the status of an answer that is none."""
        if self.headers.get("content-type") != "application/problem+json":
            return self.status
        return str(json.loads(self.content)["code"])

    def bytes_without(self, named: Mapping[str, str]) -> bytes:
        """Return all of it as it came, but for what the caller sent and gets back."""
        headers = "".join(f"{name}: {value}\n" for name, value in sorted(self.headers.items()))
        whole = f"{self.status}\n{headers}\n".encode() + self.content
        for value in sorted(set(named.values()), key=len, reverse=True):
            # An id comes back in capitals, and a link has it in the form of a query.
            for form in {value, quote(value, safe="")}:
                whole = re.sub(re.escape(form.encode()), b"<named>", whole, flags=re.IGNORECASE)
        return whole

    def comparable(self, named: Mapping[str, str]) -> bytes:
        """Return what has to be the same as in another answer that says the same."""
        steady = {name: value for name, value in self.headers.items() if name not in _VARYING_HEADERS}
        whole = Heard(self.status, steady, self.content).bytes_without(named)
        return _MADE.sub(b"<made>", whole) if self.status == 200 else whole


def call_of(row: Row, form: Form, naming: Callable[[str, Name], str], credential: Mapping[str, str]) -> Call:
    """Return the request of a form, with what `naming` says for each place; "" leaves a header out."""
    named = {place: naming(place, name) for place, name in row.places(form)}
    path = row.path
    for parameter in row.path_names:
        path = path.replace(f"{{{parameter}}}", quote(named[f"path/{parameter}"], safe=""))
    query = filled(dict(form.query), "query", named)
    headers = {**credential, **filled(row.headers_of(form), "header", named), "X-Request-ID": REQUEST_ID}
    body: Any = filled(form.body, "body", named)
    return Call(
        method=row.method,
        path=f"{path}?{urlencode(query)}" if query else path,
        headers={name: value for name, value in headers.items() if value},
        content=b"" if body is None else json.dumps(body).encode(),
        named={place: value for place, value in named.items() if value},
    )


def owners_call(row: Row, form: Form, tenant: Tenant, credential: Mapping[str, str]) -> Call:
    """Return the good request of a realm's own agent."""
    return call_of(row, form, lambda _, name: tenant.own(name.of), credential)


def key_of(tenant: Tenant) -> dict[str, str]:
    """Return the credential of a realm's own agent."""
    return {"X-AISP-Key": str(tenant.agent.key)}


def token_of(tenant: Tenant) -> dict[str, str]:
    """Return the credential of the session that a realm's own agent acts as."""
    return {"Authorization": f"Bearer {self_signed(tenant.session)}"}


def send(call: Call) -> Heard:
    """Send a request to Django in this process."""
    response = Client().generic(
        call.method,
        call.path,
        call.content,
        content_type="application/json" if call.content else "",
        headers=call.headers,
    )
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Heard(response.status_code, headers, response.content)
