"""`manage.py realm` and `manage.py apikey`."""

import re
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import User
from realms import identity, key_format
from realms.models import ApiKey, Realm
from tests.cases import cases
from tests.cast import Agent

OWNER = "alice@example.com"


def run(*arguments: str) -> tuple[str, str]:
    """Run a command and return what it wrote on standard output and on standard error."""
    out, err = StringIO(), StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def issue(*options: str) -> str:
    return run("apikey", "issue", "--realm", "default", "--owner", OWNER, "--name", "mine", *options)[0]


def test_a_realm_is_made_with_its_owner(db: None) -> None:
    out, err = run("realm", "create", "default", "--owner", "Alice@Example.com")

    realm = Realm.objects.get()
    assert (realm.slug, realm.owner.email) == ("default", OWNER)
    assert out == f"{realm.pk}\n"
    password = re.search(r"password: (\S+)", err)
    assert password and realm.owner.check_password(password[1])


def test_an_owner_may_have_several_realms(realm: Realm) -> None:
    _, err = run("realm", "create", "second", "--owner", OWNER)

    assert Realm.objects.filter(owner=realm.owner).count() == 2
    assert err == ""


@cases("slug", ["", "Default", "a b", "-a", "a" * 64, "a\n", "ä"])
def test_a_bad_slug_makes_neither_realm_nor_owner(db: None, slug: str) -> None:
    with pytest.raises(CommandError):
        run("realm", "create", slug, "--owner", OWNER)

    assert not Realm.objects.exists()
    assert not User.objects.exists()
    run("realm", "create", "a", "--owner", OWNER)


@cases("email", ["", "alice", "alice@", "a b@example.com"])
def test_an_owner_needs_an_address(db: None, email: str) -> None:
    with pytest.raises(CommandError, match="e-mail"):
        run("realm", "create", "default", "--owner", email)

    assert not User.objects.exists()


def test_a_slug_is_unique_per_owner(realm: Realm) -> None:
    with pytest.raises(CommandError, match="already"):
        run("realm", "create", "default", "--owner", OWNER)

    run("realm", "create", "default", "--owner", "bob@example.com")
    assert Realm.objects.count() == 2


def test_a_key_stands_alone_on_standard_output(realm: Realm) -> None:
    out, err = run("apikey", "issue", "--realm", "default", "--owner", OWNER, "--name", "mine")

    assert re.fullmatch(rf"{key_format.KEY_PATTERN}\n", out)
    assert err == ""
    assert Agent(out.strip()).get("sessions").status == 200


def test_a_key_is_issued_as_asked(realm: Realm) -> None:
    issue(
        "--scopes",
        "read",
        "--reads-per-minute",
        "5",
        "--writes-per-minute",
        "unlimited",
        "--expires-in",
        "90m",
    )

    key = ApiKey.objects.get()
    assert (key.scopes, key.reads_per_minute, key.writes_per_minute) == (["read"], 5, 0)
    assert key.expires_at is not None
    assert 89 * 60 < (key.expires_at - key.created_at).total_seconds() <= 90 * 60 + 1


@cases(
    "options",
    [
        ("--scopes", "admin"),
        ("--scopes", ""),
        ("--reads-per-minute", "0"),
        ("--reads-per-minute", "-1"),
        ("--writes-per-minute", "many"),
        ("--expires-in", "30"),
        ("--expires-in", "0d"),
        ("--expires-in", "-1d"),
        ("--name", ""),
        ("--realm", "other"),
        ("--owner", "bob@example.com"),
    ],
)
def test_a_bad_option_is_a_command_error(realm: Realm, options: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        issue(*options)

    assert not ApiKey.objects.exists()
    assert issue()


def test_another_owners_realm_of_the_same_name_is_not_meant(realm: Realm, mallory: Agent) -> None:
    issue()

    assert realm.api_keys.count() == 1


def test_the_list_has_a_line_a_key(realm: Realm, mallory: Agent) -> None:
    first, second = issue().strip(), issue("--scopes", "read").strip()
    one, two = realm.api_keys.order_by("pk")
    run("apikey", "disable", two.pk)
    assert identity.look_up(first)

    out, _ = run("apikey", "list", "--realm", "default", "--owner", OWNER)

    lines = [line.split("\t") for line in out.splitlines()]
    assert lines[0][:5] == [one.pk, "mine", f"aisp_…{first[-4:]}", "read,write", "active"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", lines[0][5])
    assert lines[1] == [two.pk, "mine", f"aisp_…{second[-4:]}", "read", "disabled", "never"]
    assert len(lines) == 2
    assert first not in out and second not in out


def test_a_key_is_disabled_enabled_and_revoked(realm: Realm) -> None:
    agent = Agent(issue().strip())
    key = ApiKey.objects.get()

    for verb, code in (("disable", "invalid_credentials"), ("enable", None), ("revoke", "key_revoked")):
        run("apikey", verb, key.pk.lower())
        identity.forget_cached_keys()
        answer = agent.get("sessions")
        assert answer.status == 200 if code is None else answer.code == code


def test_a_new_secret_stands_alone_on_standard_output(realm: Realm) -> None:
    old = issue().strip()
    key = ApiKey.objects.get()

    out, err = run("apikey", "rotate", key.pk.lower(), "--grace", "1h")

    assert re.fullmatch(rf"{key_format.KEY_PATTERN}\n", out)
    assert err == ""
    assert out.strip() != old
    assert [Agent(secret).get("sessions").status for secret in (old, out.strip())] == [200, 200]


def test_a_second_rotation_needs_force(realm: Realm) -> None:
    oldest = issue().strip()
    key = ApiKey.objects.get()
    old = run("apikey", "rotate", key.pk, "--grace", "7d")[0].strip()

    with pytest.raises(CommandError, match="force the rotation"):
        run("apikey", "rotate", key.pk, "--grace", "none")
    new = run("apikey", "rotate", key.pk, "--grace", "15m", "--force")[0].strip()

    assert [Agent(secret).get("sessions").status for secret in (oldest, old, new)] == [401, 200, 200]


@cases("options", [(), ("--grace",), ("--grace", "2h"), ("--grace", ""), ("--force",)])
def test_a_rotation_names_one_of_the_graces(realm: Realm, options: tuple[str, ...]) -> None:
    old = issue().strip()
    key = ApiKey.objects.get()

    with pytest.raises(CommandError, match="--grace"):
        run("apikey", "rotate", key.pk, *options)

    assert key.secrets.count() == 1
    for grace in ("none", "15m", "1h", "24h", "7d"):
        run("apikey", "rotate", key.pk, "--grace", grace, "--force")
    assert Agent(old).get("sessions").code == "key_expired"


def test_the_list_shows_both_secrets_while_both_work(realm: Realm) -> None:
    old = issue().strip()
    key = ApiKey.objects.get()
    new = run("apikey", "rotate", key.pk, "--grace", "15m")[0].strip()

    def secrets() -> str:
        return run("apikey", "list", "--realm", "default", "--owner", OWNER)[0].split("\t")[2]

    assert secrets() == f"aisp_…{old[-4:]}+aisp_…{new[-4:]}"
    with time_machine.travel(timezone.now() + timedelta(minutes=15)):
        assert secrets() == f"aisp_…{new[-4:]}"


@pytest.mark.parametrize("verb", ["disable", "enable", "revoke"])
def test_a_revoked_key_stays_so(realm: Realm, verb: str) -> None:
    issue()
    key = ApiKey.objects.get()
    run("apikey", "revoke", key.pk)

    with pytest.raises(CommandError, match="revoked"):
        run("apikey", verb, key.pk)


@cases("name", ["x", "key_01HX9J2N3PQRSTVWXYZ0123456", ""])
@cases("verb", ["disable", "enable", "revoke", "rotate"])
def test_an_unknown_key_is_a_command_error(db: None, verb: str, name: str) -> None:
    options = ("--grace", "none") if verb == "rotate" else ()

    with pytest.raises(CommandError, match="no key"):
        run("apikey", verb, name, *options)


@cases("command", [("realm",), ("apikey",), ("apikey", "issue"), ("apikey", "list"), ("apikey", "check")])
def test_what_is_missing_is_a_command_error(db: None, command: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run(*command)
