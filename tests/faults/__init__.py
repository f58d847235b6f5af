"""`make faults`: what was acknowledged survives any crash, arrives in order, and only where it should."""
