"""The protocol: sessions, messages, memory and grants over HTTP."""
