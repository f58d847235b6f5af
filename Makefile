# What a newcomer types: make run, make test. What a contributor types besides: make check, make lock.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r
# uv takes a fifth of pip's time. uv reads no pip.conf, so pip installs if only that file names an index.
UV_INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r

# Every target starts many processes, and each of them would compile the hub anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check pythons audit licenses release lock schemathesis mutations model bench growth crowd faults clean

run: $(VENV)/run.stamp
	@$(BIN)/python manage.py up

test: $(VENV)/dev.stamp
	@$(BIN)/python -m tests.run $(ARGS)

check: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/djlint templates --check --lint --quiet
	$(BIN)/python .ci/licenses.py
	DEBUG= SECRET_KEY=check-only-$$(head -c 40 /dev/urandom | od -An -tx1 | tr -d ' \n') \
	DATABASE_URL=postgres://check@127.0.0.1/check REDIS_URL=redis://127.0.0.1/0 \
	HUB_ORIGIN=https://hub.example.com ALLOWED_HOSTS=hub.example.com EMAIL_URL=smtp://127.0.0.1 \
		$(BIN)/python manage.py check --deploy --fail-level WARNING

# Start, quickstart and some tests on the other Pythons that are installed.
pythons: $(VENV)/dev.stamp
	@$(BIN)/python -m tests.pythons $(ARGS)

# Known vulnerabilities in what is locked; asks the package index. Strict, since a package that the index says
# nothing of would count as a good one.
audit: $(VENV)/dev.stamp
	$(BIN)/pip-audit --strict -r requirements.lock --require-hashes --disable-pip

# Licences of what is installed, against those that .ci/licenses.py allows; `make check` looks too.
licenses: $(VENV)/dev.stamp
	@$(BIN)/python .ci/licenses.py

# Wheel, source archive, SBOM, licences and checksums, in dist/.
release: $(VENV)/dev.stamp
	@$(BIN)/python .ci/release.py

# Every operation of the published schema, all checks and phases, against a hub of its own.
schemathesis: $(VENV)/dev.stamp
	@$(BIN)/python -m tests.schemathesis $(ARGS)

# Takes each realm filter out of a copy of the code, and sees that the isolation tests notice (a quarter hour).
mutations: $(VENV)/dev.stamp
	@$(BIN)/python -m tests.isolation.mutations $(ARGS)

# The hub against a model of it: 300 examples of up to 50 steps, over 10,000 in all, on each database.
model: $(VENV)/dev.stamp
	@MODEL_EXAMPLES=300 $(BIN)/python -m tests.run tests/model $(ARGS)

# The hub beside its floors and beside what one might run in its place, measured in turns.
bench: $(VENV)/bench.stamp
	@$(BIN)/python -m tests.bench $(ARGS)

# What calls cost beside up to 100,000 sessions, realms, grants and entries, with 10,000 to 10,000,000 messages,
# and beside a million due rows (an hour and a half).
growth: $(VENV)/dev.stamp
	@$(BIN)/python -m tests.growth.crowded
	@$(BIN)/python -m tests.growth $(ARGS)

# 5,000 streams on one process: memory, latency, a client that does not read, everybody's return.
crowd: $(VENV)/dev.stamp
	@$(BIN)/python -m tests.crowd $(ARGS)

# Kills, freezes, cuts off and fills up parts of a running hub, and checks that nothing acknowledged is lost.
faults: $(VENV)/dev.stamp
	@$(BIN)/python -m pytest -m tools tests/faults
	@$(BIN)/python -m tests.faults $(ARGS)

# The lock names packages and hashes, no index. What only tracing and only development need stands below
# marker lines, so that `make run` installs the part above. What is pinned stays; ARGS=--upgrade renews it.
lock: $(VENV)/dev.stamp
	$(BIN)/python .ci/lock.py $(ARGS)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("The hub needs Python 3.11 or later, and " \
		"$(PYTHON) is %s. Name a newer one: make PYTHON=python3.13 $(MAKECMDGOALS)" % sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements.lock | $(VENV)/bin/python
	@echo "Installing the hub's packages into $(VENV) …"
	@sed '/^# --- tracing only/,$$d' requirements.lock > $(VENV)/run.txt
	@$(PIP_INSTALL) $(VENV)/run.txt
	@touch $@

$(VENV)/dev.stamp: requirements.lock | $(VENV)/bin/python
	@echo "Installing the hub's and the tests' packages into $(VENV) …"
	@sed '/^# --- bench only/,$$d' requirements.lock > $(VENV)/dev.txt
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > $(VENV)/uv.txt
	@$(PIP_INSTALL) $(VENV)/uv.txt
	@$(UV_INSTALL) $(VENV)/dev.txt || $(PIP_INSTALL) $(VENV)/dev.txt
	@touch $(VENV)/run.stamp $@

$(VENV)/bench.stamp: requirements.lock $(VENV)/dev.stamp
	@echo "Installing what the hub is measured beside into $(VENV) …"
	@$(UV_INSTALL) requirements.lock || $(PIP_INSTALL) requirements.lock
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
