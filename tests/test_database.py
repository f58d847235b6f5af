"""The database as its URL names it."""

from config.database import database


def test_options_in_the_url_hold_beside_the_hubs_own() -> None:
    options = database("postgres://hub:secret@db.internal/hub?sslmode=verify-full")["OPTIONS"]

    assert options["sslmode"] == "verify-full"
    assert (options["server_side_binding"], options["connect_timeout"]) == (True, 2)


def test_they_may_differ_from_the_hubs_own() -> None:
    assert database("postgres://db.internal/hub?connect_timeout=5")["OPTIONS"]["connect_timeout"] == 5


def test_none_is_prepared_for_a_pooler_that_knows_no_prepared_statements() -> None:
    options = database("postgres://db.internal/hub?prepare_threshold=None")["OPTIONS"]

    assert options["prepare_threshold"] is None
