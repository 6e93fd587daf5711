"""Kubernetes is given what Compose is: the same settings, and each secret to the same processes and no others."""

import os
import re
import subprocess
import textwrap
import tomllib
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
DEPLOYMENT = (ROOT / "docs" / "deployment.md").read_text()
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


def fill(match: re.Match[str]) -> str:
    """What the chart puts in the place of a template; the lines of its helpers of variables begin with two blanks."""
    code, indent = match["code"], re.search(r"indent (\d+)$", match["code"])
    if code.startswith("/*"):
        return ""
    if indent is None:
        return "filled"
    text = "[]"
    if helper := re.search(r'include "(\w+_airflow_environment)"', code):
        text = f"  - name: {helper[1]}\n    value: filled"
    elif context := re.search(r"toYaml \.Values\.securityContexts\.(\w+)", code):
        text = yaml.safe_dump(COMMON["securityContexts"][context[1]])
    return "\n" + textwrap.indent(text, " " * int(indent[1]))


def pod(volume: bool = True) -> Any:
    """The pod of a task as the chart would write it, with a volume for logs or without."""
    branches = r"\s*{{- if \.Values\.logs\.persistence\.enabled }}(.*?){{- else }}(.*?){{- end }}"
    text = re.sub(branches, lambda match: match[1 if volume else 2], KUBERNETES["podTemplate"], flags=re.DOTALL)
    return yaml.safe_load(re.sub(r"(?:\s*{{-|{{) (?P<code>.*?) ?}}", fill, text))


def component(service: str) -> Any:
    """Its part of the values."""
    return CELERY["workers"]["celery"] if service == "worker" else COMMON[COMPONENTS[service]]


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
    assert mounted(spec["volumes"]) == mounted(component("worker")["extraVolumes"])
    names = [entry["name"] for entry in container["env"]]
    assert names == ["AIRFLOW__CORE__EXECUTOR", "custom_airflow_environment", "standard_airflow_environment"]
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


# What the chart 1.22 reads, as far as it is set here: a name that it doesn't know is passed over in silence.
TOP = {
    "airflowHome", "airflowLocalSettings", "airflowVersion", "allowPodLaunching", "apiSecretKeySecretName", "apiServer",
    "createUserJob", "dagProcessor", "data", "enableBuiltInSecretEnvVars", "enableServiceLinks", "env", "executor",
    "fernetKeySecretName", "gid", "images", "jwtSecretName", "logs", "migrateDatabaseJob", "podTemplate", "postgresql",
    "redis", "scheduler", "securityContexts", "statsd", "triggerer", "uid", "workers",
}  # fmt: skip
OF_EACH = {"args", "extraVolumeMounts", "extraVolumes", "serviceAccount"}
OF_SOME = {
    "apiServer": {"allowPodLogReading", "env", "startupProbe"},
    "dagProcessor": {"enabled", "livenessProbe", "logGroomerSidecar"},
    "migrateDatabaseJob": set(),
    "scheduler": {"livenessProbe", "logGroomerSidecar", "startupProbe"},
    "triggerer": {"livenessProbe", "logGroomerSidecar", "persistence"},
}
OF_CELERY = {"livenessProbe", "logGroomerSidecar", "persistence", "replicas", "terminationGracePeriodSeconds"}


@pytest.mark.parametrize("values", [COMMON, CELERY, KUBERNETES], ids=["common", "celery", "kubernetes"])
def test_every_value_has_a_name_that_the_chart_knows(values: Any) -> None:
    assert set(values) <= TOP
    for name, known in OF_SOME.items():
        assert set(values.get(name, {})) <= OF_EACH | known, name
    workers = values.get("workers", {})
    assert set(workers) <= {"celery", "serviceAccount"}, "the others are in `celery` or `kubernetes` since 1.21"
    assert set(workers.get("celery", {})) <= OF_EACH | OF_CELERY
    assert set(values.get("securityContexts", {})) <= {"pod", "containers"}, "`containers` here, `container` elsewhere"


def test_every_pod_may_do_as_little_as_the_strictest_standard_asks() -> None:
    specs = [manifest["spec"]["template"]["spec"] for manifest in MANIFESTS if manifest["kind"] == "Deployment"]
    specs += [pod()["spec"], COMMON]
    for spec in specs:
        of_pod = spec["securityContexts"]["pod"] if spec is COMMON else spec["securityContext"]
        assert of_pod["runAsNonRoot"] is True
        assert of_pod["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["enableServiceLinks"] is False
        of_containers = [COMMON["securityContexts"]["containers"]]
        if spec is not COMMON:
            of_containers = [container["securityContext"] for container in spec["containers"]]
            assert spec["automountServiceAccountToken"] is False
        for context in of_containers:
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}


def test_only_who_speaks_to_kubernetes_has_a_token() -> None:
    def has(name: str, *files: Any) -> bool:
        accounts = [file.get(name, {}).get("serviceAccount", {}) for file in files]
        return next((a["automountServiceAccountToken"] for a in reversed(accounts) if a), True)

    names = ("migrateDatabaseJob", "apiServer", "scheduler", "dagProcessor", "triggerer", "workers")
    assert [name for name in names if has(name, COMMON, CELERY)] == []
    assert [name for name in names if has(name, COMMON, KUBERNETES)] == ["apiServer", "scheduler"]
    assert CELERY["workers"]["celery"]["serviceAccount"] == COMMON["workers"]["serviceAccount"]
    assert CELERY["allowPodLaunching"] is CELERY["apiServer"]["allowPodLogReading"] is False


def test_a_task_needs_no_volume_where_logs_are_kept_elsewhere() -> None:
    logs = [next(v for v in pod(volume)["spec"]["volumes"] if v["name"] == "logs") for volume in (True, False)]
    assert "persistentVolumeClaim" in logs[0]
    assert logs[1] == {"name": "logs", "emptyDir": {}}


def test_who_is_slow_gets_the_time_that_compose_gives() -> None:
    def seconds(text: str) -> int:
        return int(text[:-1]) * {"s": 1, "m": 60}[text[-1]]

    for service in ("apiserver", "scheduler"):
        check = SERVICES[service]["healthcheck"]
        wanted = seconds(check["start_period"]) + seconds(check["interval"]) * check["retries"]
        assert component(service)["startupProbe"]["failureThreshold"] * 10 >= wanted, "the chart asks every ten seconds"
    worker = component("worker")
    assert worker["livenessProbe"]["timeoutSeconds"] >= seconds(SERVICES["worker"]["healthcheck"]["timeout"])
    assert worker["terminationGracePeriodSeconds"] >= seconds(SERVICES["worker"]["stop_grace_period"])


def test_the_image_can_be_built_with_the_executor_that_starts_pods() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    asked = set(re.findall(r"--extra (\w+)", (HELM / "values-kubernetes.yaml").read_text()))
    assert asked == {"production", "kubernetes"}
    assert any("cncf-kubernetes" in requirement for extra in asked for requirement in extras[extra])


def test_the_commands_in_the_documentation_name_files_that_are_there() -> None:
    section = DEPLOYMENT.split("## Kubernetes\n")[1].split("\n## ")[0]
    named = set(re.findall(r"deploy/helm/[\w.-]+\.yaml", section))
    assert {HELM / name for name in ("values.yaml", "values-celery.yaml", "manifests.yaml")} <= {
        ROOT / name for name in named
    }
    for name in named:
        assert (ROOT / name).is_file(), name
    assert "--version 1.22.0" in section
    assert "chart (https://airflow.apache.org, 1.22)" in (HELM / "values.yaml").read_text()
