"""Programs that do a part of what the hub does and nothing else: what is possible on this machine."""
