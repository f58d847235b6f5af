"""What holds a connection open without a thread: streams and pings."""
