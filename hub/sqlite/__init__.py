"""Django's SQLite backend, with a queue for the threads of a process that write."""
