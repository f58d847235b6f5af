#!/usr/bin/env python
"""Django's command line for the hub."""

from hub.command import main

if __name__ == "__main__":
    main()
