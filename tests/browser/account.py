"""What people do at the pages of their account, in a window."""

from playwright.sync_api import expect

from tests.accounts.person import PASSWORD, Person, links_in_mail
from tests.browser.window import Window


def sign_in(window: Window, person: Person, password: str = "") -> None:
    """Send the form of the sign-in."""
    window.go("/accounts/login/")
    window.fill("E-mail address", person.email)
    window.fill("Password", password or person.password)
    window.press("Sign in")


def sign_up(window: Window, email: str) -> None:
    """Send the form of the sign-up."""
    window.go("/accounts/signup/")
    window.fill("E-mail address", email)
    choose_password(window, "Password", PASSWORD)
    window.press("Make an account")


def choose_password(window: Window, label: str, password: str) -> None:
    """Write a new password twice."""
    window.fill(label, password, exact=True)
    window.fill("The same password again", password)


def is_signed_in(window: Window, person: Person) -> None:
    """Wait until the bar names a person."""
    expect(window.page.get_by_role("link", name=person.email)).to_be_visible()


def show_password(window: Window, password: str = PASSWORD) -> None:
    """Give the password again, where a page asks who it is."""
    window.says("Show that it is you")
    window.fill("Password", password)
    window.press("Go on")


def sign_out(window: Window) -> None:
    """Sign out by the button in the bar."""
    window.press("Sign out")
    window.says("Sign in")


def open_mail(window: Window) -> str:
    """Open the first link of the newest mail; return its path."""
    link, *_ = links_in_mail()
    window.go(link)
    return link
