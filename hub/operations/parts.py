"""The parts that the hub stands on: its database, its Redis, and the processes that hold streams."""

import time
from dataclasses import dataclass

import structlog
from celery import current_app
from django.conf import settings
from django.db import connection
from django.db.models import Count as CountOf
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from hub.operations.looks import look
from hub.sessions.presence import LiveProcess

# To connect, and to answer each of two commands: less than a second together.
REDIS_SECONDS = 0.3

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """A server that answered.

    Attributes:
        name: its kind and version.
        milliseconds: how long it took.
    """

    name: str
    milliseconds: float


@dataclass(frozen=True, slots=True)
class RedisPart(Part):
    """Redis, where tasks wait for a worker.

    Attributes:
        tasks: how many wait.
    """

    tasks: int


@dataclass(frozen=True, slots=True)
class Processes:
    """Server processes that beat, and the streams that they hold."""

    number: int
    streams: int


def database() -> Part | None:
    """Return the database's kind and version; None if it does not answer in time."""

    def ask() -> Part:
        began = time.monotonic()
        is_postgresql = connection.vendor == "postgresql"
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version" if is_postgresql else "SELECT sqlite_version()")
            [version] = cursor.fetchone()
        milliseconds = (time.monotonic() - began) * 1000
        return Part(f"{'PostgreSQL' if is_postgresql else 'SQLite'} {version.split()[0]}", milliseconds)

    return look("the database", ask)


def has_redis() -> bool:
    """Tell whether the hub is set up with Redis; without it everything is in one process."""
    return bool(settings.HUB_REDIS_URL)


def redis_answers() -> bool:
    """Tell whether Redis answers in time."""
    client = _client()
    try:
        return bool(client.ping())
    except RedisError:
        return False
    finally:
        client.close()


def redis() -> RedisPart | None:
    """Return what Redis says of itself and how many tasks wait in it; None if it does not answer in time."""
    client = _client()
    began = time.monotonic()
    try:
        version = client.info("server")["redis_version"]
        milliseconds = (time.monotonic() - began) * 1000
        tasks = client.llen(current_app.conf.task_default_queue)
    except RedisError as error:
        log.warning("redis could not be looked at", error=repr(error))
        return None
    finally:
        client.close()
    return RedisPart(f"Redis {version}", milliseconds, int(tasks))


def _client() -> Redis:
    return Redis.from_url(
        settings.HUB_REDIS_URL,
        socket_connect_timeout=REDIS_SECONDS,
        socket_timeout=REDIS_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def processes() -> Processes | None:
    """Return the processes that beat and how many streams they hold; None if that could not be read."""

    def count() -> Processes:
        alive = LiveProcess.objects.alive().annotate(held=CountOf("streams"))
        held = list(alive.values_list("held", flat=True))
        return Processes(len(held), sum(held))

    return look("the processes", count)
