"""Airflow of a stack: its environment, its files, and its components, each started by itself."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from embedded.process import Component
from embedded.secrets import USERS, Secrets, write_private

ROOT = Path(__file__).resolve().parent.parent

TUNING: dict[str, str] = {
    # The API server freezes for 30 s when its default pool runs dry.
    "AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE": "20",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_MAX_OVERFLOW": "60",
    # A slot is held until the heartbeat notices that its task ended, and an answer that arrives while a human task
    # still parks marks it failed: both are bounded by these two.
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    # What a task has to say is said again while the API server starts anew, which takes longer than 31 s at times.
    "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "8",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.25",
    # A worker that was killed is noticed after this many seconds without its heartbeat (one a second), not 300.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__MAX_TIS_PER_QUERY": "0",
    "AIRFLOW__CORE__PARALLELISM": "8",
    "AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG": "200",
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
    # A file that was changed is read at once; to read all others anew every 30 s takes a tenth of a core.
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
    "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
    "AIRFLOW__API__WORKERS": "1",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
}

_LAST_STAGE = 1

_PRELOAD = '''\
"""Imported once by the scheduler; every task is a fork of it and starts with these modules loaded (`dsr_preload`). Runs
that wait for a person are left out of its turns (`dsr_quiet`)."""

import os
import sys

from dsr.telemetry import tell_airflow

__all__: list[str] = []

tell_airflow(os.environ)

if "scheduler" in sys.argv or "worker" in sys.argv:
    from dsr_preload import preload

    preload()

if "scheduler" in sys.argv:
    from dsr_quiet import leave_out

    leave_out()
'''
CLOCK = """
    from pathlib import Path

    from embedded.clock import install

    install(Path({folder!r}))
"""


def environment(
    folder: Path, secrets: Secrets, database_url: str, port: int, bundles: Sequence[Path]
) -> dict[str, str]:
    """The environment of every component. Airflow settings of the caller's own shell don't get in."""
    home = folder / "airflow"
    url = f"http://127.0.0.1:{port}"
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "DSR_"))}
    # Without bytecode of our own modules each task would compile them anew.
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)
    return inherited | TUNING | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__DAGS_FOLDER": str(bundles[0]),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([_bundle(path) for path in bundles]),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__FERNET_KEY": secrets.fernet_key,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in USERS.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database_url,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__SECRET_KEY": secrets.session_key,
        "AIRFLOW__API__INSTANCE_NAME": "dsr",
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.jwt_secret,
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(folder / "logs" / "tasks"),
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(folder / "logs" / "parsing"),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "dags")]),
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "COLUMNS": "200",
    }  # fmt: skip


def prepare_home(folder: Path, secrets: Secrets, *, clock: bool = False) -> None:
    """Write the files that Airflow reads from its home. `clock`: that of the tasks can be put ahead, see
    `embedded.clock`."""
    home = folder / "airflow"
    (home / "config").mkdir(parents=True, exist_ok=True)
    write_private(home / "passwords.json", json.dumps(dict(secrets.passwords)))
    settings = _PRELOAD + (CLOCK.format(folder=str(folder)) if clock else "")
    (home / "config" / "airflow_local_settings.py").write_text(settings)


def mail_url(connection: Mapping[str, Any]) -> str:
    """A mail connection in the form that a process without Airflow is told."""
    extra = connection.get("extra") or {}
    who = f"{quote(connection.get('login') or '')}:{quote(connection.get('password') or '')}@"
    scheme = "smtp" if extra.get("disable_ssl") else "smtps"
    query = urlencode({"tls": "no" if extra.get("disable_tls") else "yes", "ca": extra.get("ca") or ""})
    return f"{scheme}://{who}{connection['host']}:{connection['port']}?{query}"


def gateways(connections: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """What the download page is told of those who carry its mails and texts."""
    texts = connections["dsr_sms"]
    scheme, _, rest = str(texts["host"]).partition("://")
    sms_url = f"{scheme}://{quote(texts['login'])}:{quote(texts['password'])}@{rest}"
    return {"DSR_MAIL_URL": mail_url(connections["dsr_mail"]), "DSR_SMS_URL": sms_url}


def connection_variables(connections: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Airflow connections as environment variables, in Airflow's JSON form."""
    return {f"AIRFLOW_CONN_{name.upper()}": json.dumps(fields) for name, fields in connections.items()}


def component(name: str, env: Mapping[str, str], folder: Path) -> Component:
    """One of Airflow's long-running programs: scheduler, dag-processor, api-server or triggerer."""
    # Their log servers bind to every address; task logs are on this machine, nobody needs them.
    options = ["--skip-serve-logs"] if name in ("scheduler", "triggerer") else []
    argv = [sys.executable, "-m", "airflow", name, *options]
    # The triggerer takes 15 s to clean up; another one takes its triggers up where they are.
    patience = 0.0 if name == "triggerer" else 8.0
    stage = _LAST_STAGE if name == "api-server" else 0
    return Component(name, argv, env, folder, folder / "logs" / f"{name}.log", patience, stage)


def migration(env: Mapping[str, str], folder: Path) -> Component:
    """The program that brings the metadata database to this version; ends by itself."""
    return Component("migration", [sys.executable, "-m", "airflow", "db", "migrate"], env, folder,
                     folder / "logs" / "migration.log")  # fmt: skip


def _bundle(path: Path) -> dict[str, Any]:
    name = "dsr" if path == ROOT / "dags" else path.parent.name
    return {
        "name": name,
        "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
        "kwargs": {"path": str(path)},
    }


def upgrade_ledger(url: str) -> None:
    """Bring the ledger's tables to the newest form, as the first start in production does."""
    from dsr import database

    engine = database.connect(url)
    database.upgrade(engine)
    engine.dispose()
