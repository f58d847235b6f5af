"""What goes wrong with a backup."""


class Fault(Exception):
    """Why a backup cannot be made or put back, in words for whoever asked for it."""
