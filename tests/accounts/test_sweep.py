"""Sweeping: sessions of browsers go once they have expired."""

from datetime import timedelta

import time_machine
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from hub.tasks import sweep_web_sessions as task
from tests.accounts.person import Person


def test_those_that_expired_go_and_those_in_use_stay(alice: Person, bob: Person) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        alice.sign_in()
        bob.sign_in()
        clock.shift(timedelta(days=13))
        assert bob.is_signed_in()
        clock.shift(timedelta(days=2))

        task()

        assert Session.objects.get().pk == bob.browser.cookies[settings.SESSION_COOKIE_NAME].value
        assert UserSession.objects.get().user == bob.user
        assert bob.is_signed_in()
