"""The files in deploy/ are sound by their own tools, and say what the code says."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from django.core.management import get_commands

from hub.urls import feed_urlpatterns, live_urlpatterns
from tests.live.processes import ROOT
from tests.pythons import versions

DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
COMMANDS = {"serve", "worker", "beat", "migrate"}
POOLS = {"web", "streams"}  # of `serve`
# Read by what the hub is made of, not by the hub.
OTHERS_VARIABLES = {
    "PATH",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONUNBUFFERED",
    "POSTGRES_USER",
    "POSTGRES_DB",
    "POSTGRES_PASSWORD",
    "NGINX_ENVSUBST_FILTER",
}


def run(*command: str | Path) -> str:
    ended = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def needed(tool: str, package: str) -> str:
    found = shutil.which(tool)
    if found is None:
        pytest.skip(f"{tool} is not installed ({package})")
    return found


def test_the_dockerfile_is_clean() -> None:
    run(BIN / "hadolint", DEPLOY / "Dockerfile")


def test_the_image_holds_all_that_runs_and_its_parts_of_the_lock_are_there() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    copied = set(re.findall(r"^COPY (\w+) /app/\1$", dockerfile, re.MULTILINE))

    assert copied == {"accounts", "config", "hub", "realms", "static", "templates"}
    [marker] = re.findall(r"sed '/\^(# --- [a-z ]+)", dockerfile)
    assert f"\n{marker}" in (ROOT / "requirements.lock").read_text()


def test_the_image_has_one_python_and_the_tests_run_on_it() -> None:
    named = re.findall(r"python:?(3\.\d+)", (DEPLOY / "Dockerfile").read_text())

    assert len(named) == 3
    assert len(set(named)) == 1
    assert set(named) <= set(versions())


def test_compose_takes_its_file() -> None:
    run(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")


def compose() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    return services


def test_compose_runs_each_role_without_rights() -> None:
    of_hub = {name: service for name, service in compose().items() if service["image"] == "aisp-hub"}

    assert {service["command"][0] for service in of_hub.values()} == COMMANDS
    assert {name for name, service in of_hub.items() if service["command"] == ["serve"]} == POOLS
    for service in of_hub.values():
        assert service["read_only"] is True
        assert (service["cap_drop"], service["user"]) == (["ALL"], "10001:10001")


def test_systemd_takes_its_units(tmp_path: Path) -> None:
    analyze = needed("systemd-analyze", "Debian: apt-get install systemd")
    shutil.copytree(DEPLOY / "systemd", tmp_path / "units")
    for unit in (tmp_path / "units").glob("*.service"):
        unit.write_text(unit.read_text().replace("/opt/aisp-hub/bin/aisp-hub", "/bin/true"))

    names = ["aisp-hub-web@01", "aisp-hub-streams@01", "aisp-hub-worker", "aisp-hub-beat", "aisp-hub-migrate"]
    units = [tmp_path / "units" / f"{name}.service" for name in names]
    said = subprocess.run(
        [analyze, "verify", "--man=no", *units, tmp_path / "units/aisp-hub.target"],
        capture_output=True,
        text=True,
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path / 'units'}:", "PATH": "/usr/bin:/bin"},
    )

    assert (said.returncode, said.stderr) == (0, "")


def test_systemd_runs_each_role() -> None:
    started = [
        re.findall(r"^ExecStart=/opt/aisp-hub/bin/aisp-hub (\w+)", unit.read_text(), re.MULTILINE)
        for unit in (DEPLOY / "systemd").glob("*.service")
    ]

    assert sorted(chain.from_iterable(started)) == sorted([*COMMANDS, "serve"])


def manifests() -> Iterator[dict[str, Any]]:
    kubectl = needed("kubectl", "Debian: apt-get install kubectl")
    yield from yaml.safe_load_all(run(kubectl, "kustomize", DEPLOY / "kubernetes"))


def test_kubernetes_takes_what_kustomize_makes() -> None:
    for manifest in manifests():
        kubernetes_validate.validate(manifest, "1.31", strict=True)


def test_kubernetes_runs_each_role_without_rights_and_with_its_secrets_from_outside() -> None:
    found = list(manifests())
    workloads = [each for each in found if each["kind"] in ("Deployment", "Job")]
    pods = [each["spec"]["template"]["spec"] for each in workloads]
    commands = [
        (each["metadata"]["name"], pod["containers"][0]["args"][0])
        for each, pod in zip(workloads, pods, strict=True)
    ]

    assert {command for _, command in commands} == COMMANDS
    assert {name for name, command in commands if command == "serve"} == POOLS
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
        assert {"secretName": "aisp-hub", "defaultMode": 288} in [v.get("secret") for v in pod["volumes"]]
    assert "Secret" not in {each["kind"] for each in found}


def test_each_role_is_a_command() -> None:
    assert set(get_commands()) >= COMMANDS


def _variables() -> Iterator[tuple[str, str]]:
    """Yield each environment variable that the files set for the hub, and where."""
    for path in sorted(DEPLOY.rglob("*")):
        if path.suffix in (".yaml", ".example", ".conf", ".service") or path.name == "Dockerfile":
            text = path.read_text()
            pattern = r"^\s*(?:Environment=|ENV |- )?([A-Z][A-Z_]{2,})(?:=|: )"
            yield from ((name, path.name) for name in re.findall(pattern, text, re.MULTILINE))
            yield from (
                (name, path.name)
                for line in re.findall(r"^Environment=(.*)$", text, re.MULTILINE)
                for name in re.findall(r"([A-Z_]+)=", line)
            )


def test_each_variable_that_is_set_is_one_that_is_read() -> None:
    code = (ROOT / "config/env.py").read_text() + (DEPLOY / "nginx/hub.conf.template").read_text()
    for name, where in set(_variables()):
        read = name.removesuffix("_FILE")
        assert f'"{read}"' in code or f"${{{read}}}" in code or read in OTHERS_VARIABLES, f"{name} in {where}"


# A path of each that stays open, and whether a proxy sends it to the pool of streams.
OPEN = (*live_urlpatterns, *feed_urlpatterns)
STREAMS = [re.sub(r"<str:\w+>", "some_ID1", str(each.pattern)) for each in OPEN]
REQUESTS = ["api/v1/messages", "api/v1/messages/ack", "api/v1/sessions/some_ID1", "realms/some_ID1"]


@pytest.mark.parametrize(
    ("path", "is_open"), [*((p, True) for p in STREAMS), *((p, False) for p in REQUESTS)]
)
def test_proxies_send_what_stays_open_to_the_pool_of_streams(path: str, is_open: bool) -> None:
    for file in ("nginx/hub.conf.template", "caddy/Caddyfile", "traefik/hub.yaml"):
        [pattern] = re.findall(r"\^/\(.*messages/stream.*?\)\$", (DEPLOY / file).read_text())
        assert bool(re.search(pattern, f"/{path}")) is is_open, file

    routes = yaml.safe_load_all((DEPLOY / "kubernetes/gateway.yaml").read_text())
    [route] = [
        each for each in routes if (each["kind"], each["metadata"]["name"]) == ("HTTPRoute", "streams")
    ]
    open_paths = [match["path"]["value"] for match in route["spec"]["rules"][0]["matches"]]
    assert any(re.fullmatch(pattern, f"/{path}") for pattern in open_paths) is is_open

    ingresses = yaml.safe_load_all((DEPLOY / "kubernetes/ingress.yaml").read_text())
    [streams] = [each for each in ingresses if each["metadata"]["name"] == "streams"]
    patterns = [each["path"] for each in streams["spec"]["rules"][0]["http"]["paths"]]
    assert any(re.match(pattern, f"/{path}") for pattern in patterns) is is_open


def test_secrets_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    run(DEPLOY / "make-secrets", folder)
    made = {path.name: path.read_text() for path in folder.iterdir()}
    run(DEPLOY / "make-secrets", folder)

    files = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["secrets"]
    assert made.keys() == files.keys()
    assert {path.name: path.read_text() for path in folder.iterdir()} == made
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert made["postgres_password"] in made["database_url"]
    assert len(made["secret_key"]) == 64
