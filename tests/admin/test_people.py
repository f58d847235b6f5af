"""People: what an operator may do to an account, and what becomes of it."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.core import mail

from accounts.models import User
from tests.admin.pages import Pages, path_of
from tests.cases import cases
from tests.cast import new_owner
from tests.client import Client

CANARY = "canary-51c2"


@pytest.fixture
def vera(db: None) -> User:
    """Somebody with an app, recovery codes and a passkey."""
    vera = new_owner("vera")
    for kind in Authenticator.Type:
        data = {"secret": CANARY, "seed": CANARY, "name": "Key", "credential": {"id": CANARY}}
        Authenticator.objects.create(user=vera, type=kind, data=data)
    return vera


@pytest.fixture
def browser(vera: User) -> Client:
    """Where Vera is signed in."""
    return browser_of(vera)


def browser_of(person: User) -> Client:
    """Return a browser where somebody is signed in and has been seen."""
    client = Client()
    client.force_login(person)
    UserSession.objects.create(user=person, ip="192.0.2.1", session_key=client.session.session_key)
    return client


def is_signed_in(browser: Client) -> bool:
    return browser.get("/").status_code == 200


def act(operator: Pages, person: User, action: str, **headers: Any) -> Any:
    """Confirm a button of a person's page."""
    path = f"/admin/accounts/user/{person.pk}/{action}/"
    asked = operator.browser.get(path)
    assert asked.status_code == 200 and "?" in asked.content.decode()
    return operator.browser.post(path, {"_form_submitted": "on"}, headers=headers)


def edit(operator: Pages, person: User, **changes: Any) -> Any:
    """Save a person's page with changes; a False takes a tick away."""
    form: Any = operator.one(person).context["adminform"].form
    sent = {name: form[name].value() for name in form.fields if name != "password"} | changes
    said = {name: value for name, value in sent.items() if value not in (False, None)}
    return operator.browser.post(path_of(User, "change", str(person.pk)), said)


def history(person: User) -> list[str]:
    entries = LogEntry.objects.filter(object_id=str(person.pk), content_type__model="user")
    return [entry.get_change_message() for entry in entries.order_by("pk")]


def test_a_deactivated_person_is_signed_out(operator: Pages, vera: User, browser: Client) -> None:
    assert is_signed_in(browser)

    assert edit(operator, vera, is_active=False).status_code == 302

    assert not User.objects.get(pk=vera.pk).is_active
    assert not UserSession.objects.filter(user=vera).exists()
    assert edit(operator, vera, is_active=True).status_code == 302
    assert not is_signed_in(browser), "what ended stays ended"
    assert history(vera) == ["Changed Active.", "Changed Active."]


def test_another_edit_signs_nobody_out(operator: Pages, vera: User, browser: Client) -> None:
    assert edit(operator, vera, first_name="Vera", is_staff=True).status_code == 302

    changed = User.objects.get(pk=vera.pk)
    assert (changed.first_name, changed.is_staff, changed.is_superuser) == ("Vera", True, False)
    assert is_signed_in(browser)
    assert "Staff status" in history(vera)[0]


def test_an_address_stays_until_its_owner_changes_it(operator: Pages, vera: User) -> None:
    assert edit(operator, vera, email="other@example.com", last_name="V").status_code == 302

    assert User.objects.get(pk=vera.pk).email == "vera@example.com"


@pytest.mark.parametrize(("usable", "password"), [("true", "a long sentence"), ("false", "")])
def test_a_person_can_be_made(operator: Pages, usable: str, password: str) -> None:
    wanted = {
        "email": "New@Example.com",
        "usable_password": usable,
        "password1": password,
        "password2": password,
    }

    made = operator.browser.post(path_of(User, "add"), wanted)
    again = operator.browser.post(path_of(User, "add"), wanted)

    assert (made.status_code, again.status_code) == (302, 200)
    person = User.objects.get(email="new@example.com")
    assert person.has_usable_password() is (usable == "true")
    assert not person.is_staff
    assert history(person) == ["Added."]


def test_nobody_is_deleted(operator: Pages, vera: User) -> None:
    assert operator.browser.post(path_of(User, "delete", str(vera.pk)), {"post": "yes"}).status_code == 403
    operator.act("delete_selected", vera)

    assert User.objects.filter(pk=vera.pk).exists()


@pytest.mark.parametrize("may_edit", [True, False])
def test_only_superusers_edit_people(operator: Pages, vera: User, may_edit: bool) -> None:
    olivia = User.objects.get(email="olivia@example.com")
    olivia.is_superuser = may_edit
    olivia.save()
    permissions = Permission.objects.filter(codename__in=["view_user", "change_user", "add_user"])
    olivia.user_permissions.set(permissions)
    password = path_of(User, "change", str(vera.pk)).replace("change", "password")
    new = {"password1": "a long sentence", "password2": "a long sentence", "usable_password": "true"}

    path = path_of(User, "change", str(olivia.pk))
    answers = [
        operator.browser.post(path, {"is_staff": "on", "is_active": "on", "is_superuser": "on"}),
        operator.browser.post(f"/admin/accounts/user/{vera.pk}/remove-second-factor/"),
        operator.browser.post(password, new),
    ]

    allowed = [answer.status_code != 403 for answer in answers]
    assert allowed == [may_edit] * 3
    assert User.objects.get(pk=olivia.pk).is_superuser is may_edit
    assert operator.list(User).status_code == 200


def test_a_lost_second_factor_can_be_removed(
    operator: Pages, vera: User, browser: Client, django_capture_on_commit_callbacks: Any
) -> None:
    bystander = Authenticator.objects.create(user=new_owner("walter"), type="totp", data={"secret": "x"})
    assert is_signed_in(browser)

    with django_capture_on_commit_callbacks(execute=True):
        answer = act(operator, vera, "remove-second-factor")

    assert (answer.status_code, answer["Location"]) == (302, path_of(User, "change", str(vera.pk)))
    assert not Authenticator.objects.filter(user=vera).exists()
    assert Authenticator.objects.contains(bystander)
    assert not is_signed_in(browser)
    [told] = mail.outbox
    assert told.to == ["vera@example.com"] and "second factor" in told.subject
    assert history(vera) == ["Removed the second factor"]


def test_what_nobody_has_is_not_removed(operator: Pages, django_capture_on_commit_callbacks: Any) -> None:
    walter = new_owner("walter")
    browser = browser_of(walter)

    with django_capture_on_commit_callbacks(execute=True):
        act(operator, walter, "remove-second-factor")

    assert "has no second factor" in operator.one(walter).content.decode()
    assert is_signed_in(browser)
    assert (mail.outbox, history(walter)) == ([], [])


def test_asking_changes_nothing(operator: Pages, vera: User) -> None:
    before = Authenticator.objects.count()

    assert operator.browser.get(f"/admin/accounts/user/{vera.pk}/remove-second-factor/").status_code == 200

    assert Authenticator.objects.count() == before


def test_web_sessions_can_be_ended(operator: Pages, vera: User, browser: Client) -> None:
    assert "End web sessions" in operator.one(vera).content.decode()

    answer = act(operator, vera, "end-web-sessions", **{"HX-Request": "true"})

    assert answer["HX-Redirect"] == path_of(User, "change", str(vera.pk))
    assert not is_signed_in(browser)
    assert operator.list(User).status_code == 200, "the operator stays"
    assert history(vera) == ["Ended the web sessions"]


@cases("action", ["remove-second-factor", "end-web-sessions"])
@cases("odd", ["0", "999999999999999999999999", "abc"])
def test_there_is_no_such_person(operator: Pages, action: str, odd: str) -> None:
    answer = operator.browser.post(f"/admin/accounts/user/{odd}/{action}/", {"_form_submitted": "on"})

    assert answer.status_code == 404


def test_no_page_of_a_person_shows_a_secret(operator: Pages, vera: User, browser: Client) -> None:
    vera.set_password(CANARY)
    vera.save()
    [session] = UserSession.objects.filter(user=vera)

    pages = [
        operator.one(vera),
        operator.one(vera, "history"),
        operator.list(User),
        operator.list(EmailAddress),
    ]

    for page in pages:
        shown = page.content.decode()
        assert page.status_code == 200
        assert not [secret for secret in (CANARY, session.session_key, vera.password) if secret in shown]
    assert "Recovery codes, TOTP Authenticator, WebAuthn" in operator.one(vera).content.decode()


def test_what_libraries_hold_is_not_offered() -> None:
    assert not {Authenticator, UserSession, Group} & set(admin.site._registry)
    libraries = {model._meta.app_label for model in admin.site._registry} - {"accounts", "hub", "realms"}
    assert libraries == {"account"}


def test_addresses_are_shown_and_stay(operator: Pages, vera: User) -> None:
    address = EmailAddress.objects.get(user=vera)
    before = EmailAddress.objects.values().get(pk=address.pk)

    assert operator.rows(EmailAddress, user__id__exact=vera.pk) == {str(address.pk)}
    assert operator.one(address).status_code == 200
    operator.act("make_verified", address)
    for page in ("change", "delete"):
        sent = operator.browser.post(path_of(EmailAddress, page, str(address.pk)), {"post": "yes"})
        assert sent.status_code == 403
    assert operator.browser.post(path_of(EmailAddress, "add"), {"email": "x@example.com"}).status_code == 403
    assert EmailAddress.objects.values().get(pk=address.pk) == before
