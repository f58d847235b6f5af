"""What a new version does to the database of the one before."""
