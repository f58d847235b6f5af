"""`make growth`: what sends and polls cost as the hub grows old, and beside a mountain of due work."""
