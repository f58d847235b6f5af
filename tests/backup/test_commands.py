"""`manage.py backup` and `restore` on a laptop, as they are typed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backup import places
from tests.backup.places import Place
from tests.backup.tale import OF_REALM, founded, serving
from tests.cast import Agent
from tests.live.client import WireAgent

pytestmark = pytest.mark.sqlite  # a data directory is the same, whatever the tests run on


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A data directory with a hub in it that has sealed something: the key that signs tokens."""
    folder = tmp_path_factory.mktemp("hub")
    place = places.data_folder(folder / "var")
    key = founded(place)
    with serving(place, folder / "log") as base, WireAgent(base, Agent(key)) as caller:
        session = caller.post("/sessions", {"name": "alice", "kind": "service"}).json()["id"]
        assert caller.post(f"/sessions/{session}/token", {}).status_code == 200
    yield place


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A data directory that is not there yet."""
    return tmp_path / "elsewhere"


def key_of(hub: Place) -> str:
    """Return the secret key that the hub made for itself."""
    return (Path(hub.environment["HUB_DATA_DIR"]) / "secret_key").read_text()


def test_a_folder_takes_a_file_named_after_the_time_which_is_printed_alone(
    hub: Place, tmp_path: Path
) -> None:
    ran = hub.run("manage.py", "backup", str(tmp_path))

    [made] = tmp_path.iterdir()
    assert (ran.returncode, ran.stdout, made.suffix) == (0, f"{made}\n", ".tar")
    assert "secret key is in it" in ran.stderr


def test_a_restored_hub_can_be_backed_up_again(hub: Place, tmp_path: Path, elsewhere: Path) -> None:
    first, second = str(tmp_path / "first.tar"), str(tmp_path / "second.tar")
    head = hub.manage("audit", "head", *OF_REALM)
    hub.manage("backup", first)
    again = places.data_folder(elsewhere)

    ran = again.run("manage.py", "restore", first)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert f"Restored into {elsewhere} what was backed up at" in ran.stdout and "migrate" in ran.stdout
    again.manage("backup", second)
    assert again.manage("audit", "head", *OF_REALM) == head


@pytest.mark.parametrize("variable", ["SECRET_KEY", "SECRET_KEY_FILE"])
def test_where_the_environment_has_the_key_it_is_not_in_the_backup(
    hub: Place, tmp_path: Path, elsewhere: Path, variable: str
) -> None:
    backup, key = str(tmp_path / "hub.tar"), key_of(hub)
    (tmp_path / "key").write_text(key)
    named = {variable: key if variable == "SECRET_KEY" else str(tmp_path / "key")}
    hosted = Place({**hub.environment, **named})

    ran = hosted.run("manage.py", "backup", backup)

    assert "SECRET_KEY and SECRET_KEY_FALLBACKS are not in it" in ran.stderr
    assert key.encode() not in Path(backup).read_bytes()
    same = places.data_folder(elsewhere, **named).run("manage.py", "restore", backup)
    assert (same.returncode, same.stderr) == (0, "")


@pytest.mark.parametrize("variables", [{"SECRET_KEY": "another"}, {}])
def test_a_wrong_secret_key_is_told_of(
    hub: Place, tmp_path: Path, elsewhere: Path, variables: dict[str, str]
) -> None:
    backup, key = str(tmp_path / "hub.tar"), key_of(hub)
    Place({**hub.environment, "SECRET_KEY": key}).manage("backup", backup)

    ran = places.data_folder(elsewhere, **variables).run("manage.py", "restore", backup)

    assert ran.returncode == 0
    assert "SECRET_KEY is not that of the hub that was backed up" in ran.stderr


def test_a_former_secret_key_will_do(hub: Place, tmp_path: Path, elsewhere: Path) -> None:
    backup, key = str(tmp_path / "hub.tar"), key_of(hub)
    hub.manage("backup", backup)

    ran = places.data_folder(elsewhere, SECRET_KEY="new", SECRET_KEY_FALLBACKS=key).run(
        "manage.py", "restore", backup
    )

    assert (ran.returncode, ran.stderr) == (0, "")


def test_what_cannot_be_done_is_one_line_and_an_exit_code(hub: Place, tmp_path: Path) -> None:
    said = hub.refused("backup", str(tmp_path / "none" / "hub.tar"))

    assert said.startswith("CommandError: There is no folder") and said.count("\n") == 1


def test_a_folder_in_which_no_hub_was_started(elsewhere: Path, tmp_path: Path) -> None:
    said = places.data_folder(elsewhere).refused("backup", str(tmp_path / "hub.tar"))

    assert "There is no database" in said and "HUB_DATA_DIR" in said
    assert not list(elsewhere.glob("*sqlite3*")), "a database was made"
