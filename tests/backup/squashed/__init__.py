"""Migrations of `hub` as they might be one day, when the first of today are one."""
