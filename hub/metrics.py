"""What Prometheus scrapes: every instrument of the hub, named as its documentation advises.

A label has few values that the code knows beforehand: routes of the URL table, codes, names of tasks. What
comes from outside, an id, a name, an address, a path, is never one, or a stranger could fill the memory.
The values are those of this process; each process is scraped by itself.
"""

import platform

from django import get_version
from prometheus_client import Counter, Gauge, Histogram

from hub.version import VERSION

# Of requests, up to what a ping waits; and of what goes on inside a process.
REQUEST_SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SHORT_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
TASK_SECONDS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 30.0, 60.0)

BUILD = Gauge("aisp_hub_build_info", "What runs; always 1.", ["version", "python", "django"])
BUILD.labels(VERSION, platform.python_version(), get_version()).set(1)

REQUESTS = Counter("aisp_hub_http_requests_total", "Answered requests.", ["method", "route", "status"])
REQUEST_DURATION = Histogram(
    "aisp_hub_http_request_duration_seconds",
    "From a whole request to its answer; streams left out.",
    ["method", "route"],
    buckets=REQUEST_SECONDS,
)
REFUSALS = Counter("aisp_hub_refusals_total", "Requests that were refused, by the problem's code.", ["code"])
THREADS = Gauge("aisp_hub_request_threads", "Threads that run requests, each with a database connection.")
THREADS_BUSY = Gauge("aisp_hub_request_threads_busy", "Threads that run a request now.")
REQUESTS_WAITING = Gauge("aisp_hub_requests_waiting", "Whole requests that wait for a thread.")

MESSAGES_SENT = Counter("aisp_hub_messages_sent_total", "Envelopes that were taken.", ["category"])
MESSAGES_DELIVERED = Counter("aisp_hub_messages_delivered_total", "Messages that went out.", ["via"])
PINGS = Counter("aisp_hub_pings_total", "Pings over the API.", ["outcome"])
PING_DURATION = Histogram(
    "aisp_hub_ping_duration_seconds", "From ping to pong.", buckets=(*SHORT_SECONDS, 5.0)
)
GRANT_EVENTS = Counter("aisp_hub_grant_events_total", "What happened to grants.", ["event"])

STREAMS = Gauge("aisp_hub_streams_open", "Streams of inboxes that this process holds.")
STREAM_ENDS = Counter("aisp_hub_streams_closed_total", "Streams that ended, and why.", ["reason"])
BELL_TO_WRITE = Histogram(
    "aisp_hub_bell_to_write_seconds",
    "From when this process heard of a message until a stream wrote it.",
    buckets=SHORT_SECONDS,
)
TAILER_LAG = Histogram(
    "aisp_hub_tailer_lag_seconds",
    "From when an inbox was known to have something new until it was read.",
    buckets=SHORT_SECONDS,
)

TASK_DURATION = Histogram(
    "aisp_hub_task_duration_seconds", "Runs of periodic work.", ["task"], buckets=TASK_SECONDS
)
TASK_ROWS = Counter("aisp_hub_task_rows_total", "What periodic work did, and how much.", ["task", "what"])
TASK_FAILURES = Counter("aisp_hub_task_failures_total", "Runs of periodic work that failed.", ["task"])
TASK_SUCCESS = Gauge(
    "aisp_hub_task_last_success_timestamp_seconds", "When periodic work last ended well.", ["task"]
)
