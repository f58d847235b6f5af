"""The A2A Python SDK: each message makes a task, which is kept in PostgreSQL and completed at once."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from a2a.helpers.proto_helpers import new_task_from_user_message, new_text_status_update_event
from a2a.server.agent_execution.agent_executor import AgentExecutor
from a2a.server.agent_execution.context import RequestContext
from a2a.server.events.event_queue_v2 import EventQueue
from a2a.server.request_handlers.default_request_handler_v2 import DefaultRequestHandlerV2
from a2a.server.routes.jsonrpc_routes import create_jsonrpc_routes
from a2a.server.tasks.database_task_store import DatabaseTaskStore
from a2a.types import AgentCapabilities, AgentCard, TaskState
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.applications import Starlette

CONNECTIONS = 16


class Done(AgentExecutor):
    """An agent that is done as soon as it is asked."""

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Complete the task."""
        task = context.current_task or new_task_from_user_message(context.message)
        await event_queue.enqueue_event(task)
        done = new_text_status_update_event(task.id, task.context_id, TaskState.TASK_STATE_COMPLETED, "done")
        await event_queue.enqueue_event(done)

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Do nothing: nothing is left to cancel."""


engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgres://", "postgresql+asyncpg://"),
    pool_size=CONNECTIONS,
    max_overflow=0,
)
card = AgentCard(
    name="bench",
    description="Completes tasks.",
    version="1",
    capabilities=AgentCapabilities(streaming=True),
    default_input_modes=["text/plain"],
    default_output_modes=["text/plain"],
)
store = DatabaseTaskStore(engine)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Make the table before many want to at once."""
    await store.initialize()
    yield


app = Starlette(
    routes=create_jsonrpc_routes(DefaultRequestHandlerV2(Done(), store, card), "/"), lifespan=lifespan
)
