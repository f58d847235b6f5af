"""What an operator sees of the hub from outside: numbers, lines of the log, health, traces."""
