"""What somebody might run in the place of the hub, at the work that is nearest to a send."""
