"""Withdrawing an invitation."""

import pytest

from accounts.models import User
from realms.ids import new_id
from realms.members.invitations import invitation_for, withdraw_invitation
from realms.members.models import Invitation
from realms.models import Realm
from realms.refusal import Refusal
from tests.cast import new_realm
from tests.members.people import acting, invited, last_event


def test_an_admin_withdraws(realm: Realm, adam: User) -> None:
    offer = invited(realm, "nora")

    withdraw_invitation(realm=realm, invitation_id=offer.invitation.pk, by=acting(adam))

    assert not Invitation.objects.exists()
    assert last_event(realm) == ("member.invitation_withdrawn", adam.email, "nora@example.com", {})


def test_another_realms_is_as_none(realm: Realm) -> None:
    offer = invited(new_realm("mallory"), "nora")

    for invitation_id in (offer.invitation.pk, new_id("inv")):
        with pytest.raises(Refusal, match="no such invitation"):
            withdraw_invitation(realm=realm, invitation_id=invitation_id, by=acting(realm.owner))

    assert invitation_for(offer.token) == offer.invitation


def test_a_viewer_withdraws_nothing(realm: Realm, vera: User) -> None:
    offer = invited(realm, "nora")

    with pytest.raises(Refusal) as refused:
        withdraw_invitation(realm=realm, invitation_id=offer.invitation.pk, by=acting(vera))

    assert refused.value.code == "role_missing"
    assert invitation_for(offer.token) == offer.invitation
