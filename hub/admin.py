"""Every admin page of the protocol, gathered for Django's discovery."""

from hub.grants.admin import GrantAdmin
from hub.memory.admin import MemoryEntryAdmin, MemoryNamespaceAdmin
from hub.messages.admin import MessageAdmin
from hub.sessions.admin import SessionAdmin

__all__ = ["GrantAdmin", "MemoryEntryAdmin", "MemoryNamespaceAdmin", "MessageAdmin", "SessionAdmin"]
