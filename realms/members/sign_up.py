"""Sign-up with an invitation, on a hub where it is closed to others: for the address that was invited."""

from django.http import HttpRequest

from accounts.adapter import AccountAdapter
from realms.members.invitations import invitation_for
from realms.refusal import Refusal

FOLLOWED = "invitation"  # a cookie: the token of the invitation's link that was opened in the browser


class InvitationAdapter(AccountAdapter):
    """What allauth asks about people, who may have been invited."""

    def invited_address(self, request: HttpRequest) -> str | None:
        """Return whom the invitation is for whose link was opened in this browser, while it is open."""
        token = request.COOKIES.get(FOLLOWED)
        if token is None:
            return None
        try:
            return invitation_for(token).email
        except Refusal:
            return None
