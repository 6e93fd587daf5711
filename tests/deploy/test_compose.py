"""The production shape, as far as it can be checked without a container engine: docker-compose.yaml, .env.example,
Dockerfile and what they name."""

import itertools
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import dsr.settings
from dsr.settings import Settings
from dsr.web import portal

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yaml"
TEXT = COMPOSE.read_text()
SERVICES: Mapping[str, Mapping[str, Any]] = yaml.safe_load(TEXT)["services"]
EXAMPLE = (ROOT / ".env.example").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
IMAGE = "/opt/dsr/"

VARIABLE = re.compile(r"\$\{(\w+)(:\?|:-)?([^}]*)\}")
SECRET = re.compile(r"PASSWORD|SECRET$|_KEY(_ID)?$|AUTH$")
SWITCH = re.compile(r"^DSR_CHANNEL_|^MAIL_RELAY|^DSR_(SIGNING|OPENDSR|CASE)_KEY$")
"""May stay empty: a channel without a secret is off, a mail server may ask for none, a signing key can be derived, and
the master key does in place of a case key."""

OWN = [name for name, service in SERVICES.items() if service["image"] == "dsr:local"]
KEY = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="


def environment(service: str) -> dict[str, str]:
    """What a service is given when every variable that must be set is set."""
    fill = {"DSR_MASTER_KEY": KEY, "DSR_PORTAL_URL": "https://data.example"}
    filled = {
        name: VARIABLE.sub(lambda m: m[3] if m[2] == ":-" else fill.get(m[1], "filled"), str(value))
        for name, value in SERVICES[service].get("environment", {}).items()
    }
    return {name: value for name, value in filled.items() if value}


def words(value: Any) -> Iterator[str]:
    """All strings of a service's definition."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from itertools.chain.from_iterable(words(item) for item in value.values())
    elif isinstance(value, list):
        yield from itertools.chain.from_iterable(words(item) for item in value)


def test_fits_the_compose_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_old_compose_reads_it_too(tmp_path: Path) -> None:
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("no docker-compose here")
    names = {name for name, _, _ in VARIABLE.findall(TEXT)}
    filled = tmp_path / "env"
    filled.write_text("".join(f"{name}=x\n" for name in names))
    read = [program, "--env-file", str(filled), "-f", str(COMPOSE), "config", "-q"]
    done = subprocess.run(read, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    read[2] = "/dev/null"
    done = subprocess.run(read, capture_output=True, text=True, check=False)
    assert done.returncode != 0, "it would start without secrets"


def test_every_variable_is_in_the_example_and_the_other_way_round() -> None:
    used = {name for name, _, _ in VARIABLE.findall(TEXT)}
    offered = set(re.findall(r"^(?:# )?([A-Z0-9_]+)=", EXAMPLE, re.MULTILINE))
    assert used == offered


def test_no_secret_has_a_default() -> None:
    for name, operator, default in VARIABLE.findall(TEXT):
        if SECRET.search(name):
            assert operator == ":?" or (SWITCH.search(name) and not default), name
    given = dict(re.findall(r"^([A-Z0-9_]+)=(.*)$", EXAMPLE, re.MULTILINE))
    assert not [name for name, value in given.items() if SECRET.search(name) and value]
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if SECRET.search(name):
                assert VARIABLE.fullmatch(str(value)), f"{name} is not taken from .env"


def test_only_loopback_is_published() -> None:
    ports = {name: port for name, service in SERVICES.items() for port in service.get("ports", [])}
    assert set(ports) == {"apiserver", "portal"}
    assert all(port.startswith("127.0.0.1:") for port in ports.values())
    assert not [name for name, service in SERVICES.items() if service.get("network_mode") == "host"]


def test_every_service_can_be_waited_for() -> None:
    awaited = {
        name: what["condition"] for service in SERVICES.values() for name, what in service.get("depends_on", {}).items()
    }
    assert set(awaited) <= set(SERVICES)
    for name, service in SERVICES.items():
        if awaited.get(name) == "service_completed_successfully":
            assert service["restart"] == "no"
        else:
            assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name
            assert service["restart"] == "unless-stopped"


def test_images_are_pinned() -> None:
    for name, service in SERVICES.items():
        tag = service["image"].rpartition(":")[2]
        assert tag == "local" or re.match(r"v?\d", tag), name


def test_what_it_names_exists() -> None:
    for service in SERVICES.values():
        for word in words([service.get("command"), service.get("entrypoint"), service.get("healthcheck")]):
            if word.startswith(IMAGE):
                assert (ROOT / word.removeprefix(IMAGE)).exists(), word
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in yaml.safe_load(TEXT)["volumes"]
        command = service.get("command", [])
        if command[:2] == ["python", "-m"]:
            assert (ROOT / command[2] / "__main__.py").exists()


@pytest.mark.parametrize("script", sorted((ROOT / "deploy").rglob("*.sh")), ids=lambda path: path.name)
def test_shell_scripts_parse_and_find_their_files(script: Path) -> None:
    assert script.stat().st_mode & 0o100, "PostgreSQL's image would read it into its own shell instead of running it"
    subprocess.run(["sh", "-n", str(script)], check=True)
    for named in re.findall(r'"\$here/([^"]+)"', script.read_text()):
        assert (script.parent / named).exists(), named


def test_the_image_is_built_from_what_is_there() -> None:
    ignored = {line.strip("/") for line in (ROOT / ".dockerignore").read_text().split()}
    sources = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert {"dsr", "extractors", "schemas", "register", "sandbox", "dags", "plugins", "deploy"} <= set(sources)
    for source in sources:
        assert (ROOT / source).exists(), source
        assert source not in ignored, source
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    asked = set(re.findall(r"--extra (\w+)", DOCKERFILE + TEXT + EXAMPLE))
    assert asked == set(extras) - {"analysis"}  # for whoever reads packages, not for what makes them
    pinned = re.search(r"UV_VERSION=(\S+)", (ROOT / "scripts" / "bootstrap").read_text())
    assert pinned
    assert f"ARG UV_VERSION={pinned[1]}\n" in DOCKERFILE


@pytest.mark.parametrize("service", ["apiserver", "worker"])
def test_who_works_on_requests_has_every_setting(service: str) -> None:
    settings = Settings.from_environment(environment(service))
    assert settings.airflow_user == "intake"
    assert settings.case_store.startswith("s3://filled:filled@dsr-cases?")


def test_every_setting_can_be_set() -> None:
    """One that no process is given would be the default, whatever `.env` says."""
    given = {name for service in OWN for name in SERVICES[service].get("environment", {})}
    known = {
        f"DSR_{name.upper()}" for name in (*dsr.settings._NEEDED, *dsr.settings._OF_ONE_USE, *dsr.settings._OPTIONAL)
    }
    assert known - given == set()
    everywhere = {"DSR_COUNTRY", "DSR_TIMEZONE", "DSR_PACKAGE_DAYS", "DSR_CODE_ATTEMPTS", "DSR_CHALLENGE_DAYS"}
    for service in ("apiserver", "worker", "portal"):
        assert everywhere <= set(SERVICES[service]["environment"]), service


def test_the_download_page_has_what_it_needs_and_nothing_of_airflow() -> None:
    given = environment("portal")
    Settings.from_environment(given, need=portal._NEEDED)
    assert not [name for name in given if name.startswith("AIRFLOW") or "PASSWORD" in name or "CHANNEL" in name]


def test_the_master_key_is_only_where_case_files_are_opened() -> None:
    assert {name for name in OWN if "DSR_MASTER_KEY" in environment(name)} == {"init", "apiserver", "worker", "portal"}
    assert {name for name in OWN if any("CHANNEL" in v for v in words(SERVICES[name]))} == {"apiserver"}


def test_tasks_send_mail_through_the_mail_container_unless_told_otherwise() -> None:
    assert "mail" in SERVICES
    assert environment("worker")["AIRFLOW_CONN_DSR_MAIL"] == "smtp://mail:587?disable_ssl=true&disable_tls=true"
