"""The files in deploy/: whether they say what is so, and whether a hub runs by them."""
