"""What must hold of every history; one file per promise."""
