"""Settings of the tests: a data directory of their own, and the servers that the environment names.

`TEST_DATABASE_URL` and `TEST_REDIS_URL` choose PostgreSQL and Redis; without them the tests run embedded.
"""

import os
import tempfile

for name in ("DATABASE_URL", "REDIS_URL"):
    os.environ.pop(name, None)
    if value := os.environ.get(f"TEST_{name}"):
        os.environ[name] = value
os.environ.setdefault("SECRET_KEY", "tests-only")
os.environ.setdefault("LOG_LEVEL", "WARNING")  # not a line for each request of each test
os.environ["HUB_ORIGIN"] = "http://testserver"
os.environ["ALLOWED_HOSTS"] = "testserver,localhost,127.0.0.1"
for name in ("MOST_READS", "MOST_WRITES", "REALM_REQUESTS"):
    os.environ[f"HUB_{name}_PER_MINUTE"] = "0"
for name in ("READS", "WRITES", "REFUSALS"):
    os.environ[f"HUB_{name}_PER_MINUTE"] = "1000000"  # what is no test of limits is not to run into them
os.environ["HUB_DATA_DIR"] = tempfile.mkdtemp(prefix="aisp-hub-tests-")

from config import env  # noqa: E402
from config.settings import *  # noqa: E402, F403
from config.settings import DATABASES  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast: nothing here is a secret
WHITENOISE_AUTOREFRESH = True  # looks for a file when asked for it: each client of Django's would list all
HUB_TALLY_SECONDS = 0.0  # no thread writes beside a test
if env.EMBEDDED:
    # A file, as in production: an in-memory database would be one connection for all threads.
    DATABASES["default"]["TEST"] = {"NAME": str(env.DATA_DIR / "test.sqlite3")}
