"""The mail that carries an invitation's link."""

from smtplib import SMTPException

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse

from realms.members.invitations import INVITATION_DAYS
from realms.members.models import Invitation

log = structlog.get_logger(__name__)


def link_of(token: str) -> str:
    """Return the address at which an invitation is accepted."""
    return settings.HUB_ORIGIN + reverse("invitation", args=[token])


def send_invitation(*, invitation: Invitation, token: str) -> bool:
    """Send the mail, whose link is known to nobody else; False if the mail server did not take it."""
    said = {"invitation": invitation, "link": link_of(token), "days": INVITATION_DAYS}
    try:
        send_mail(
            f"Invitation to the realm {invitation.realm.slug}",
            render_to_string("mail/invitation.txt", said),
            None,
            [invitation.email],
        )
    except (SMTPException, OSError) as error:
        log.warning("an invitation was not sent", invitation=invitation.pk, error=repr(error))
        return False
    return True
