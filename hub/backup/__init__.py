"""Backups: made while the hub serves, and put back where there is no hub yet."""
