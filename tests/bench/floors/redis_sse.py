"""Floor (c): server-sent events from one Redis subscription; nothing is kept, nobody is asked for a key."""

import asyncio
import os
from typing import Any

from redis.asyncio import Redis

CHANNEL = "bench"
EVENT = b"id: %s\nevent: message\ndata: %s\n\n"


class Streams:
    """Who is connected, and the subscription that tells them."""

    def __init__(self) -> None:
        self.redis = Redis.from_url(os.environ["REDIS_URL"])
        self.senders: dict[bytes, Any] = {}
        self.listening: asyncio.Task[None] | None = None

    async def listen(self) -> None:
        """Hand on what is published: a name, a space, an event's data."""
        async with self.redis.pubsub(ignore_subscribe_messages=True) as subscription:
            await subscription.subscribe(CHANNEL)
            async for message in subscription.listen():
                name, _, data = message["data"].partition(b" ")
                if send := self.senders.get(name):
                    body = EVENT % (name, data)
                    await send({"type": "http.response.body", "body": body, "more_body": True})

    async def hold(self, name: bytes, receive: Any, send: Any) -> None:
        """Answer with a stream until the client leaves."""
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b": hello\n\n", "more_body": True})
        self.senders[name] = send
        while (await receive())["type"] != "http.disconnect":
            pass
        self.senders.pop(name, None)

    async def publish(self, name: bytes, receive: Any, send: Any) -> None:
        """Publish a request's body, and answer with how many heard it."""
        body = (await receive())["body"]
        count = await self.redis.publish(CHANNEL, name + b" " + body)
        content = b'{"heard":%d}' % count
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})


streams = Streams()


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """GET a stream by its name; POST to a name."""
    if scope["type"] == "lifespan":
        await receive()
        streams.listening = asyncio.create_task(streams.listen())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    name = scope["path"].rpartition("/")[2].encode()
    handle = streams.hold if scope["method"] == "GET" else streams.publish
    await handle(name, receive, send)
