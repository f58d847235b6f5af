"""Operators in the browser: how they get in, what they see of all realms, and what they do to one."""

from datetime import timedelta
from itertools import cycle

import pytest
from allauth.account.models import EmailAddress
from django.contrib.admin.utils import quote
from django.utils import timezone
from playwright.sync_api import expect
from pytest_django import Settings

from accounts.models import User
from hub.activity.models import Tally
from realms.audit.actor import Actor
from realms.members.invitations import invite
from realms.members.models import Role
from realms.models import ApiKey, Realm
from tests.accounts.person import Person, code_of, new_person
from tests.admin.pages import ALL, path_of
from tests.browser.conftest import Windows
from tests.browser.window import EXAMINED, Window
from tests.live.client import WireAgent
from tests.waiting import wait_until

# In Unfold's own scripts, which no template or setting reaches.
UNFOLDS_OWN = (
    # SimpleBar names each box that scrolls alike: the sidebar and the filters.
    ("landmark-unique", 'class="simplebar-content-wrapper"'),
    # Select2, of Django's autocomplete fields, has no name while nothing is chosen.
    ("aria-input-field-name", 'class="select2-selection'),
)


@pytest.fixture
def olivia(transactional_db: None) -> Person:
    """Olivia, who runs the hub."""
    return new_person("olivia", is_staff=True, is_superuser=True)


@pytest.fixture
def operator(windows: Windows, olivia: Person) -> Window:
    """Olivia's window, in which she has shown her second factor."""
    olivia.sign_in_with_second_factor()
    window = windows.open()
    window.sign_in_as(olivia.browser)
    return window


def act(window: Window, page: str, action: str) -> None:
    """Choose the first row of a list and run an action on it."""
    window.page.locator("#nav-sidebar").get_by_role("link", name=page).click()
    window.page.locator("input[name=_selected_action]").first.check()
    window.page.locator("select[name=action]").select_option(label=action)
    window.press("Run")


def refusal_of(agent: WireAgent) -> str | None:
    """Return the code that the API refuses an agent with."""
    answer = agent.http.get("/sessions", headers=agent.headers())
    return None if answer.is_success else str(answer.json()["code"])


def test_hosted_an_operator_needs_a_second_factor(
    windows: Windows, olivia: Person, settings: Settings
) -> None:
    settings.HUB_EMBEDDED = False
    settings.MFA_TOTP_TOLERANCE = 1  # the next code may be due before this one has arrived
    window = windows.open()
    window.go("/admin/")
    window.fill("E-mail address", olivia.email)
    window.fill("Password", olivia.password)
    window.press("Sign in")
    window.says("The admin needs a second factor")
    window.check("operator-without-second-factor", looks=EXAMINED)

    olivia.set_up_totp()
    window.press("Sign out")
    window.go("/admin/")
    window.fill("E-mail address", olivia.email)
    window.fill("Password", olivia.password)
    window.press("Sign in")
    window.fill("Code", code_of(olivia.secret))
    window.press("Sign in")

    window.says("How the hub is")


def test_an_owner_is_no_operator(owner: Window) -> None:
    assert owner.go("/admin/realms/realm/").status == 403
    owner.forgive("403")
    owner.check("operator-refused", looks=EXAMINED)

    owner.go("/")
    expect(owner.page.get_by_role("link", name="Admin")).to_have_count(0)


def test_a_realm_is_suspended_and_resumed(
    operator: Window, owner: Window, realm: Realm, alice: WireAgent
) -> None:
    owner.go(f"/realms/{realm.pk}/sessions")
    operator.go("/admin/")
    act(operator, "Realms", "Suspend: refuse every request of the realm")
    operator.says("Suspend 1 realm?")
    operator.says("of alice@example.com")
    operator.check("operator-suspend")
    operator.follow("Cancel")
    assert refusal_of(alice) is None

    act(operator, "Realms", "Suspend: refuse every request of the realm")
    operator.press("Suspend")
    operator.says("1 realm suspended.")

    wait_until(lambda: refusal_of(alice) == "realm_suspended")
    owner.follow("Keys")
    owner.says("The hub's operator has suspended this realm")
    owner.check("realm-suspended")

    act(operator, "Realms", "Resume")
    operator.says("1 realm resumed.")
    wait_until(lambda: refusal_of(alice) is None)
    owner.follow("Audit")
    for action in ("realm.suspended", "realm.resumed"):
        row = owner.page.get_by_role("row").filter(has_text=action)
        expect(row).to_contain_text("operator olivia@example.com")
    expect(owner.page.get_by_text("has suspended this realm")).to_have_count(0)


def test_a_key_is_revoked(operator: Window, owner: Window, realm: Realm, alice: WireAgent) -> None:
    owner.go(f"/realms/{realm.pk}/keys")
    operator.go("/admin/")
    act(operator, "API keys", "Revoke for good")
    operator.says("No key comes back from it")
    operator.check("operator-revoke-key", looks=EXAMINED)
    operator.press("Revoke")
    operator.says("1 API key revoked.")

    wait_until(lambda: refusal_of(alice) == "key_revoked")
    expect(owner.page.get_by_role("row").filter(has_text="test")).to_contain_text("revoked")
    owner.follow("Audit")
    row = owner.page.get_by_role("row").filter(has_text="key.revoked")
    expect(row).to_contain_text("operator olivia@example.com")
    expect(row).to_contain_text(ApiKey.objects.get().pk)


@pytest.fixture
def busy(busy: Realm) -> Realm:
    """A realm with something of each kind, and an hour of traffic."""
    invite(realm=busy, email="ines@example.com", role=Role.ADMIN, by=Actor.person(busy.owner))
    for grain, span in ((Tally.Grain.MINUTE, timedelta(minutes=1)), (Tally.Grain.HOUR, timedelta(hours=1))):
        for measure, count in (("requests", 90), ("messages", 40), ("refused.grant_required", 7)):
            for back in range(3):
                begins_at = timezone.now().replace(minute=0, second=0, microsecond=0) - back * span
                of = {"realm": busy, "grain": grain, "measure": measure, "begins_at": begins_at}
                Tally.objects.create(**of, count=count // (back + 1))
    return busy


def test_the_pages_of_all_realms(operator: Window, busy: Realm) -> None:
    operator.go("/admin/")
    operator.says("Busiest realms of the last day")
    operator.check("admin-dashboard")
    operator.page.locator("#nav-sidebar").get_by_role("link", name="Health").click()
    operator.says("The mail server takes a connection.")
    operator.check("admin-health", excused=UNFOLDS_OWN)
    operator.page.get_by_label("Filter navigation items").press_sequentially("mem")
    operator.page.locator("#search-results").get_by_role("link", name="Memory entries").wait_for()
    operator.check("admin-search", looks=EXAMINED[:1], excused=UNFOLDS_OWN)

    # They are made of the same templates: one look at each shows what one of them holds that is too wide.
    for (name, path), look in zip(_pages_of_one_kind().items(), cycle(EXAMINED), strict=False):
        assert operator.go(path).status == 200, path
        operator.check(f"admin-{name}", looks=[look], excused=UNFOLDS_OWN)


def _pages_of_one_kind() -> dict[str, str]:
    pages = {
        "user-list": path_of(User, "changelist"),
        "user": path_of(User, "change", str(User.objects.get(is_staff=True).pk)),
        "emailaddress-list": path_of(EmailAddress, "changelist"),
        "realm-add": path_of(Realm, "add"),
        "realm-list-nothing": path_of(Realm, "changelist") + "?q=nobody",
    }
    for model in ALL:
        name = str(model._meta.model_name)
        pages[f"{name}-list"] = path_of(model, "changelist")
        pages[name] = path_of(model, "change", quote(str(model._default_manager.order_by("-pk")[0].pk)))
    return pages
