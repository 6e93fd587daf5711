"""Kubernetes is given what Compose is: the same settings, and each secret to the same processes and no others."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
HELM = ROOT / "deploy" / "helm"
SERVICES: Mapping[str, Mapping[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"]
COMMON = yaml.safe_load((HELM / "values.yaml").read_text())
CELERY = yaml.safe_load((HELM / "values-celery.yaml").read_text())
KUBERNETES = yaml.safe_load((HELM / "values-kubernetes.yaml").read_text())
MANIFESTS = list(yaml.safe_load_all((HELM / "manifests.yaml").read_text()))
SECRETS = {
    secret["metadata"]["name"]: set(secret["stringData"])
    for secret in yaml.safe_load_all((HELM / "secrets.example.yaml").read_text())
}
BUILT_IN = {
    "AIRFLOW__CORE__EXECUTOR", "AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
    "AIRFLOW__CELERY__BROKER_URL", "AIRFLOW__CELERY__RESULT_BACKEND", "AIRFLOW__API__SECRET_KEY",
    "AIRFLOW__API_AUTH__JWT_SECRET",
}  # fmt: skip
"""What the chart itself gives every process, from the secrets that `data` and `…SecretName` name."""
SANDBOX = {"AIRFLOW__WORKERS__SECRETS_BACKEND", "AIRFLOW__WORKERS__SECRETS_BACKEND_KWARGS"}
"""Of Compose's profile `sandbox`."""
ELSEWHERE = {
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "http://dsr-api-server:8080/execution/",
    "DSR_AIRFLOW_URL": "http://dsr-api-server:8080",
}
SCRIPT = ["sh", "/opt/dsr/deploy/with-secrets.sh"]
COMPONENTS = {
    "apiserver": "apiServer",
    "scheduler": "scheduler",
    "dag-processor": "dagProcessor",
    "triggerer": "triggerer",
    "init": "migrateDatabaseJob",
}


def pod() -> Any:
    """The pod of a task, its templates as the chart would fill them."""
    text = re.sub(r"^ *{{-.*}}\n", "", KUBERNETES["podTemplate"], flags=re.MULTILINE)
    return yaml.safe_load(re.sub(r"{{.*?}}", "filled", text))


def component(service: str) -> Any:
    """Its part of the values."""
    return CELERY["workers"] if service == "worker" else COMMON[COMPONENTS[service]]


def mounted(volumes: Any) -> set[str]:
    """The variables in the files of the projected volume."""
    [volume] = [volume for volume in volumes if volume["name"] == "dsr-secrets"]
    return set().union(*(SECRETS[source["secret"]["name"]] for source in volume["projected"]["sources"]))


def given(entries: Any) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in entries}


def constants(service: str) -> Iterator[tuple[str, str]]:
    """Settings that Compose doesn't take from .env."""
    for name, value in SERVICES[service]["environment"].items():
        if "${" not in str(value) and name not in SANDBOX:
            yield name, str(value)


ALL_SECRETS = set().union(*SECRETS.values())


@pytest.mark.parametrize("service", [*COMPONENTS, "worker"])
def test_each_process_of_airflow_has_what_compose_gives_it(service: str) -> None:
    part, wanted = component(service), set(SERVICES[service]["environment"]) - SANDBOX
    plain = given(COMMON["env"]) | given(part.get("env", []))
    secret = mounted(part["extraVolumes"])
    if service == "init":
        wanted -= {"OTEL_EXPORTER_OTLP_HEADERS"}
    assert wanted - BUILT_IN - set(plain) - secret == set()
    assert secret == wanted & ALL_SECRETS, "a secret that Compose doesn't give it, or the other way round"
    assert part["args"][:2] == SCRIPT
    assert part["extraVolumeMounts"][0]["mountPath"] == "/run/secrets/dsr"
    for name, value in constants(service):
        if name not in BUILT_IN:
            assert plain[name] == ELSEWHERE.get(name, value), name


def test_no_secret_is_in_the_values() -> None:
    assert not ALL_SECRETS & set(given(COMMON["env"]))
    for secret in yaml.safe_load_all((HELM / "secrets.example.yaml").read_text()):
        assert set(secret["stringData"].values()) == {""}
    named = [COMMON["fernetKeySecretName"], COMMON["apiSecretKeySecretName"], COMMON["jwtSecretName"]]
    named += [*COMMON["data"].values(), *CELERY["data"].values()]
    assert set(named) <= set(SECRETS)
    assert {"fernet-key", "api-secret-key", "jwt-secret"} == SECRETS["dsr-airflow-keys"]


def test_a_task_has_the_same_in_a_pod_as_in_a_worker() -> None:
    spec = pod()["spec"]
    [container] = spec["containers"]
    assert container["name"] == "base"
    assert container["command"] == SCRIPT
    assert mounted(spec["volumes"]) == mounted(CELERY["workers"]["extraVolumes"])
    for helper in ("custom_airflow_environment", "standard_airflow_environment"):
        assert f'include "{helper}"' in KUBERNETES["podTemplate"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in spec["volumes"]}


@pytest.mark.parametrize(("service", "config"), [("portal", 0), ("metrics", 3)])
def test_what_is_beside_airflow_has_what_compose_gives_it(service: str, config: int) -> None:
    settings, deployment = MANIFESTS[config], MANIFESTS[config + 1]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert container["command"] == SERVICES[service]["command"]
    sources = [next(iter(source.items())) for source in container["envFrom"]]
    secret = set().union(*(SECRETS[ref["name"]] for kind, ref in sources if kind == "secretRef"))
    assert [ref["name"] for kind, ref in sources if kind == "configMapRef"] == [settings["metadata"]["name"]]
    assert secret | set(settings["data"]) == set(SERVICES[service]["environment"])
    assert not secret & set(settings["data"])
    assert container["securityContext"]["readOnlyRootFilesystem"] is SERVICES[service]["read_only"] is True


def test_probes_ask_what_is_there() -> None:
    [portal] = MANIFESTS[1]["spec"]["template"]["spec"]["containers"]
    assert {portal[f"{kind}Probe"]["httpGet"]["path"] for kind in ("liveness", "readiness")} == {"/healthz", "/readyz"}
    for name in ("scheduler", "dagProcessor", "triggerer"):
        command = COMMON[name]["livenessProbe"]["command"]
        compose = SERVICES["dag-processor" if name == "dagProcessor" else name]["healthcheck"]["test"][1:]
        assert command == [word.replace("http://apiserver:", "http://dsr-api-server:") for word in compose]


def test_secrets_in_files_become_variables_and_replace_none(tmp_path: Path) -> None:
    """As Kubernetes mounts them: links into a hidden folder."""
    hidden = tmp_path / "..2026"
    hidden.mkdir()
    values = {"DSR_MASTER_KEY": "a b'c\"$d\\", "DSR_AIRFLOW_PASSWORD": "two\nlines", "ALREADY": "other"}
    for name, value in values.items():
        (hidden / name).write_text(value)
        (tmp_path / name).symlink_to(hidden / name)
    environment = {"PATH": os.environ["PATH"], "DSR_SECRETS": str(tmp_path), "ALREADY": "mine"}
    line = [str(ROOT / "deploy" / "with-secrets.sh"), "env", "-0"]
    told = subprocess.run(line, env=environment, capture_output=True, text=True, check=True).stdout
    seen = dict(entry.split("=", 1) for entry in told.split("\0") if entry)
    assert {name: seen[name] for name in values} == {**values, "ALREADY": "mine"}
    environment["DSR_SECRETS"] = str(tmp_path / "none")
    assert subprocess.run([*line[:1], "true"], env=environment, check=False).returncode == 0
