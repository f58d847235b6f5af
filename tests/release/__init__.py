"""What a release is made of: its version, its packages, what it says of its dependencies."""
