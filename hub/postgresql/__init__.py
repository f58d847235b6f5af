"""Django's PostgreSQL backend, with bounds on how long a request waits for the database."""
