#!/usr/bin/env python
"""The hub's commands in a checkout."""

from config.command_line import main

if __name__ == "__main__":
    main()
