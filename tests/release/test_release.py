"""`make release`: what it leaves in `dist/` fits together, and comes out the same a second time."""

import hashlib
import json
import os
import re
import runpy
import subprocess
import sys
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from hub.version import VERSION
from tests.release.conftest import ROOT, Built, release

pytestmark = pytest.mark.deployment

LOCKED = (ROOT / "requirements.lock").read_text()


def names(part: str) -> set[str]:
    """Return name and version of each package in a part of the lock."""
    return set(re.findall(r"^(\S+==[^ ;]+)", part, re.MULTILINE))


@pytest.fixture
def sbom(built: Built) -> dict[str, Any]:
    """The document, read."""
    document: dict[str, Any] = json.loads(built.sbom.read_text())
    return document


def test_the_sbom_is_as_the_standard_says(built: Built) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(built.sbom.read_text()) is None


def test_the_sbom_lists_what_make_run_installs_with_its_hashes(sbom: dict[str, Any]) -> None:
    run = LOCKED.partition("# --- tracing only")[0]
    listed = {f"{each['name']}=={each['version']}" for each in sbom["components"]}
    hashes = {
        hash_["content"]
        for each in sbom["components"]
        for reference in each["externalReferences"]
        for hash_ in reference["hashes"]
    }

    assert listed == names(run)
    assert hashes == set(re.findall(r"sha256:(\w+)", run))


def test_the_sbom_is_about_this_version_and_names_what_it_needs_itself(sbom: dict[str, Any]) -> None:
    about = sbom["metadata"]["component"]
    called = {each["bom-ref"]: each["name"] for each in sbom["components"]}
    [needs] = [each["dependsOn"] for each in sbom["dependencies"] if each["ref"] == about["bom-ref"]]
    direct = {called[ref] for ref in needs}

    assert (about["name"], about["version"]) == ("aisp-hub", VERSION)
    assert {"django", "django-allauth", "psycopg", "uvicorn"} <= direct
    assert direct.isdisjoint({"asgiref", "kombu", "sqlparse"}), "what others need"


def test_each_package_has_its_licence_in_the_list(built: Built) -> None:
    listed = {each["Name"]: each["License"] for each in json.loads(built.licenses.read_text())}

    assert listed["Django"] == "BSD-3-Clause"
    assert "opentelemetry-sdk" in listed, "the image holds it"
    assert "pytest" not in listed and "UNKNOWN" not in listed.values()


def test_the_checksums_are_those_of_the_files(built: Built) -> None:
    folder = built.wheel.parent
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    said = {name: checksum for checksum, name in (line.split("  ") for line in lines)}

    assert said == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (built.sdist, built.wheel, built.sbom, built.licenses)
    }


def test_a_second_time_it_comes_out_the_same(built: Built) -> None:
    first = (built.wheel.parent / "SHA256SUMS").read_text()
    checkout = built.wheel.parents[1]
    for path in checkout.rglob("*.py"):
        os.utime(path, (1_000_000_000, 1_000_000_000))

    release(checkout)

    assert (built.wheel.parent / "SHA256SUMS").read_text() == first


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("Apache-2.0 AND BSD-2-Clause", True),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("Apache Software License; Other/Proprietary License", False),
        ("UNKNOWN", False),
    ],
)
def test_licences_are_allowed_as_a_whole_or_by_choice(licence: str, allowed: bool) -> None:
    is_allowed = runpy.run_path(str(ROOT / ".ci/licenses.py"))["is_allowed"]

    assert is_allowed({"Name": "anything", "License": licence}) is allowed


def test_a_package_whose_licence_is_not_allowed_stops_the_release(built: Built) -> None:
    """As each would, without the list of what is allowed."""
    script = built.wheel.parents[1] / ".ci/licenses.py"
    strict = script.read_text().replace('"BSD-3-Clause", ', "")
    stopped = subprocess.run(
        [sys.executable, "-c", f"__file__ = {str(script)!r}\n{strict}"], capture_output=True, text=True
    )

    assert stopped.returncode == 1
    assert "Not an allowed licence: Django" in stopped.stderr
