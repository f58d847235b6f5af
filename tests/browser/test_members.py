"""Members in the browser: invited, joined, promoted, removed, and a realm that changes hands."""

from django.core import mail
from django.urls import reverse
from playwright.sync_api import expect

from realms.members.models import Membership, Role
from realms.models import Realm
from tests.accounts.person import PASSWORD, links_in_mail, new_person
from tests.browser.conftest import Stranger, Windows
from tests.browser.window import Window
from tests.cast import new_realm
from tests.console.people import new_member
from tests.members.people import ended, invited, role_of


def test_somebody_is_invited_and_joins(
    owner: Window, windows: Windows, stranger: Stranger, realm: Realm
) -> None:
    room = f"/realms/{realm.pk}/members"
    stranger.watches("members")
    watching = windows.open(realm.owner)
    watching.go(room)
    owner.go(room)
    owner.follow("Invite somebody")
    owner.check("member-invite")
    owner.fill("E-mail address", realm.owner.email)
    owner.press("Send the invitation")
    owner.says("is a member already")
    owner.forgive("400")
    owner.fill("E-mail address", "nora@example.com")
    owner.page.get_by_label("Admin: changes keys").check()
    owner.press("Send the invitation")
    owner.says("nora@example.com")
    expect(watching.page.get_by_role("row", name="nora@example.com")).to_contain_text("admin")

    new_person("nora")
    nora = windows.open()
    [link] = [path for path in links_in_mail() if "/invitations/" in path]
    nora.go(link)
    nora.says("alice@example.com invites you")
    nora.check("invitation-stranger")
    nora.page.get_by_role("main").get_by_role("link", name="Sign in").click()
    nora.page.locator("[name=login]").fill("nora@example.com")
    nora.page.locator("[name=password]").fill(PASSWORD)
    nora.page.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()
    nora.says("invites you")
    nora.check("invitation")
    nora.press("Join default")
    nora.says("Welcome to default")

    row = watching.page.locator("#members").get_by_role("row", name="nora@example.com")
    expect(row).to_contain_text("admin")
    expect(watching.page.locator("#invitations")).to_contain_text("Nobody is invited now")
    watching.check("members-joined")
    stranger.notices_nothing("nora", "alice", realm.pk)
    stranger.finds_nothing(room, f"{room}/invite", link.replace(link.rpartition("/")[2], "nothing"))


def test_invitations_that_open_nothing_say_why(windows: Windows, realm: Realm) -> None:
    offer = invited(realm, "nora")
    link = reverse("invitation", args=[offer.token])
    other = windows.open(new_realm("mallory").owner)
    other.go(link)
    other.says("the invitation was sent to another address")
    other.check("invitation-of-another")

    ended(offer.invitation)

    assert other.go(link).status == 404
    other.forgive("404")
    other.says("This invitation has ended")
    other.check("invitation-ended")


def test_a_role_is_taken_and_the_membership_ends(owner: Window, admin: Window, realm: Realm) -> None:
    room = f"/realms/{realm.pk}/members"
    for window in (owner, admin):
        window.go(room)
        expect(window.page.get_by_role("link", name="Invite somebody")).to_be_visible()

    owner.follow("Role of adam@example.com")
    owner.check("member-role")
    owner.page.get_by_label("Viewer: looks").check()
    owner.press("Change the role")
    owner.says("adam@example.com is now a viewer")
    for name in ("Invite somebody", "Role of adam@example.com", "Remove adam@example.com"):
        expect(admin.page.get_by_role("link", name=name)).to_have_count(0)
    expect(admin.page.locator("#invitations")).to_be_hidden()
    assert admin.go(f"{room}/invite").status == 403
    admin.says("Your role does not cover this")
    admin.check("refused-role")
    admin.go(room)
    admin.forgive("403")

    owner.follow("Remove adam@example.com")
    owner.check("member-remove")
    owner.press("Remove adam@example.com")
    owner.says("adam@example.com does not belong to the realm any more")
    admin.says("What this page shows is gone, or you may see it no more")
    admin.follow("Load it again")
    admin.says("There is no such page")
    admin.check("refused-not-found")
    admin.forgive("404")
    assert not Membership.objects.exists()


def test_a_realm_changes_hands(owner: Window, windows: Windows, realm: Realm) -> None:
    room = f"/realms/{realm.pk}/members"
    heir = new_member(realm, "vera", Role.VIEWER).user
    vera = windows.open(heir)
    vera.go(room)
    expect(vera.page.get_by_role("link", name="Invite somebody")).to_have_count(0)
    owner.go(room)
    owner.follow("Hand over to vera@example.com")
    owner.check("member-hand-over")
    owner.fill("Type “default” to confirm", "vera")
    owner.press("Hand over")
    owner.says("Nothing was changed")
    owner.forgive("400")
    owner.fill("Type “default” to confirm", "default")
    owner.press("Hand over")

    owner.says("vera@example.com owns the realm now, and you are an admin")
    expect(owner.page.get_by_role("row", name="alice@example.com")).to_contain_text("admin")
    expect(vera.page.get_by_role("link", name="Invite somebody")).to_be_visible()
    assert owner.go(f"/realms/{realm.pk}/settings/delete").status == 403
    owner.forgive("403")

    owner.go(room)
    owner.follow("Leave the realm")
    owner.check("member-leave")
    owner.press("Leave the realm")
    owner.says("You have left default")
    expect(vera.page.get_by_role("row", name="alice@example.com")).to_have_count(0)
    assert role_of(realm, realm.owner) is None
    assert not mail.outbox
