"""People as operators keep them: who is made, what they may do, and a second factor that was lost."""

from collections.abc import Collection

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string

from accounts.models import User


def change_person(*, person: User, names: Collection[str]) -> None:
    """Write the fields `names` of `person` as they stand on it; sign out who may not sign in any more."""
    if not names:
        return
    with transaction.atomic():
        person.save(update_fields=list(names))
        if not person.is_active:
            end_web_sessions(person=person)


def end_web_sessions(*, person: User) -> int:
    """Sign a person out of every browser; return of how many."""
    sessions = list(UserSession.objects.filter(user=person))
    for session in sessions:
        session.end()
    return len(sessions)


def remove_second_factor(*, person: User) -> bool:
    """Take away the second factor of somebody who lost it, sign them out everywhere, and tell them by mail.

    From then on their password alone lets them in. The caller has made sure that it is they who ask.

    Returns:
        Whether they had one.
    """
    with transaction.atomic():
        removed, _ = Authenticator.objects.filter(user=person).delete()
        if not removed:
            return False
        end_web_sessions(person=person)
        # A mail server that does not answer is no reason to keep them out; it stands in the log.
        transaction.on_commit(lambda: _tell_of_removal(person), robust=True)
    return True


def _tell_of_removal(person: User) -> None:
    text = render_to_string("accounts/second_factor_removed.txt", {"origin": settings.HUB_ORIGIN})
    send_mail("AISP Hub: your second factor was removed", text, None, [person.email])
