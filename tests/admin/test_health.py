"""The operators' health page: what the hub stands on, and who may look."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from hub.grants.models import Grant
from tests.accounts.person import new_person
from tests.admin.pages import Pages
from tests.cast import Agent, new_owner
from tests.client import Client

HEALTH = "/admin/health/"


def test_it_shows_each_part_and_how_it_is(operator: Pages) -> None:
    answer = operator.browser.get(HEALTH)

    assert answer.status_code == 200
    page = answer.content.decode()
    assert page.count("well") >= 5
    assert "The mail server takes a connection." in page


@pytest.mark.parametrize("format_", ["html", "json"])
def test_staff_who_are_no_superusers_see_it_too(db: None, format_: str) -> None:
    sam = new_person("sam", is_staff=True)
    sam.sign_in_with_second_factor()

    assert sam.browser.get(HEALTH, {"format": format_}).status_code == 200


def test_tools_get_it_as_json(operator: Pages) -> None:
    answer = operator.browser.get(HEALTH, {"format": "json"})

    assert answer["Content-Type"] == "application/json"
    assert set(json.loads(answer.content).values()) == {"OK"}


def test_work_that_nobody_sees_to_is_named(operator: Pages, alice: Agent, bob: Agent) -> None:
    bob.grant(alice, "memory.read", "project.*")
    Grant.objects.update(expires_at=timezone.now() - timedelta(minutes=10))

    answer = operator.browser.get(HEALTH, {"format": "json"})

    assert answer.status_code == 503
    assert "Grants past their end" in answer.content.decode()


def test_a_mail_server_that_is_away_is_named(operator: Pages, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    answer = operator.browser.get(HEALTH)

    assert answer.status_code == 503
    assert "Connection refused" in answer.content.decode()


@pytest.mark.parametrize("format_", ["html", "json", "text", "openmetrics", "rss"])
def test_others_see_none_of_it_in_any_form(client: Client, db: None, format_: str) -> None:
    client.force_login(new_owner("oscar"))

    answer = client.get(HEALTH, {"format": format_})

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/admin/login/")
