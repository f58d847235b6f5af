"""The first realm of whoever signed up."""

from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed
from django.test import RequestFactory

from accounts.models import User
from hub.api.exchange import Exchange
from realms.members.models import Role
from realms.models import AuditEvent, Realm
from realms.owners import delete_realm
from tests.cast import new_owner
from tests.members.people import acting, ended, invited, joined


def confirm(user: User) -> None:
    """Have allauth say that an address was proven."""
    address, _ = EmailAddress.objects.get_or_create(user=user, email=user.email)
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.7")
    request.exchange = Exchange.of_request(request)  # type: ignore[attr-defined]
    email_confirmed.send(EmailAddress, request=request, email_address=address)


def test_it_is_made_when_the_address_is_proven(db: None) -> None:
    nora = new_owner("nora")

    confirm(nora)

    realm = Realm.objects.get()
    assert (realm.owner, realm.slug) == (nora, "default")
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.address) == ("realm.created", nora.email, "192.0.2.7")


def test_it_is_made_once(db: None) -> None:
    nora = new_owner("nora")

    confirm(nora)
    confirm(nora)
    assert Realm.objects.count() == 1

    delete_realm(realm=Realm.objects.get(), by=acting(nora))
    confirm(nora)
    assert Realm.objects.count() == 1, "nor is it made again for somebody who deleted it"


def test_who_belongs_to_one_gets_none(realm: Realm) -> None:
    confirm(joined(realm, "vera", Role.VIEWER))

    assert Realm.objects.get() == realm


def test_who_is_invited_gets_none(realm: Realm) -> None:
    offer, nora = invited(realm, "nora"), new_owner("nora")

    confirm(nora)
    assert Realm.objects.get() == realm

    ended(offer.invitation)
    confirm(nora)
    assert Realm.objects.filter(owner=nora).count() == 1, "an invitation that ended counts no more"


def test_an_invitation_to_a_deleted_realm_counts_not(realm: Realm) -> None:
    nora = new_owner("nora")
    invited(realm, "nora")
    Realm.objects.update(status=Realm.Status.DELETED)

    confirm(nora)

    assert Realm.objects.filter(owner=nora).count() == 1
