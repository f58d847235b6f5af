"""Fixtures of the audit log: the stage, with everybody on it."""

import pytest

from realms.models import ApiKey, Realm
from tests.admin.conftest import operator
from tests.admin.pages import Pages
from tests.audit.log import OPERATORS_ADDRESS, REQUEST_ID
from tests.audit.stage import Stage
from tests.cast import Agent
from tests.tokens.signing import Signer

__all__ = ["operator"]


@pytest.fixture
def stage(realm: Realm, key: str, alice: Agent, bob: Agent, operator: Pages) -> Stage:
    """Alice's realm with alice, bob and a session that signs tokens, and Olivia in the admin."""
    operator.browser.defaults.update(HTTP_X_REQUEST_ID=REQUEST_ID, REMOTE_ADDR=OPERATORS_ADDRESS)
    issued = ApiKey.objects.in_realm(realm.pk).get()
    return Stage(realm, issued, Agent(key), alice, bob, Signer(key, "signer"), operator)
