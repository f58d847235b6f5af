"""Each run of periodic work is counted, with how much it did, and what did something has a line."""

import pytest
from celery import current_app

from hub.tasks import sweep_invitations, sweep_sessions
from tests.cast import Agent
from tests.observability.conftest import Grown, Lines
from tests.rows import seen_ago

pytestmark = pytest.mark.django_db


def test_what_it_did_is_counted_and_told(alice: Agent, grown: Grown, lines: Lines) -> None:
    seen_ago(alice, minutes=16)

    sweep_sessions.apply()

    assert grown("aisp_hub_task_rows_total", task="sweep_sessions", what="inactive") == 1
    assert grown("aisp_hub_task_rows_total", task="sweep_sessions", what="expired") == 0
    assert grown("aisp_hub_task_duration_seconds_count", task="sweep_sessions") == 1
    assert grown("aisp_hub_task_last_success_timestamp_seconds", task="sweep_sessions") > 0
    [line] = lines("task")
    assert (line["task"], line["inactive"], line["expired"]) == ("sweep_sessions", 1, 0)


def test_what_found_nothing_to_do_is_counted_and_not_told(grown: Grown, lines: Lines) -> None:
    sweep_invitations.apply()

    assert grown("aisp_hub_task_duration_seconds_count", task="sweep_invitations") == 1
    assert lines("task") == []


def test_a_failure_is_counted_and_told_and_is_no_success(
    grown: Grown, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> int:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("hub.tasks.sweep_invitations_rule", fail)

    sweep_invitations.apply()

    assert grown("aisp_hub_task_failures_total", task="sweep_invitations") == 1
    assert grown("aisp_hub_task_last_success_timestamp_seconds", task="sweep_invitations") == 0
    [line] = lines("task failed")
    assert (line["task"], line["error"]) == ("sweep_invitations", "RuntimeError('broken on purpose')")


def test_tasks_are_found_by_name() -> None:
    assert "hub.tasks.sweep_sessions" in current_app.tasks
