"""What is released: the wheel, what is in it, and whether it runs."""
