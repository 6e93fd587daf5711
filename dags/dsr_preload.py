"""What every task needs, imported once by the process that forks them; see `embedded.airflow`.

Imports dominate a task's cost: with these loaded a task starts in a quarter of a CPU second, else in more than one.
"""

import gc
import importlib
import logging
import pkgutil
import tempfile
from collections.abc import Iterator
from typing import Final

PACKAGES: Final = ("dsr", "extractors")
MODULES: Final = (
    "airflow.dag_processing.dagbag",
    "airflow.providers.standard.decorators.branch_python",
    "airflow.providers.standard.operators.hitl",
    "airflow.sdk.definitions.asset.metadata",
    "airflow.sdk.execution_time.cache",
    "airflow.sdk.execution_time.task_runner",
    "airflow.sdk.execution_time.timeout",
    "airflow.version",
    "babel.numbers",
    "boto3",
    "botocore.httpsession",
    "dsr_acting",
    "dsr_approvals",
    "dsr_decisions",
    "dsr_extending",
    "dsr_identity",
    "dsr_keeping",
    "dsr_lifting",
    "dsr_planning_anew",
    "dsr.post",
    "dsr_recipients",
    "dsr_reminding",
    "dsr_reviewing",
    "dsr_tasks",
    "dsr_triaging",
    "dsr_unheld",
    "encodings.ascii",
    "encodings.idna",
    "encodings.unicode_escape",
    "encodings.utf_16_be",
    "encodings.utf_8_sig",
    "httpx",
    "icalendar",
    "jinja2.ext",
    "jsonschema",
    "psycopg",
    "pyarrow.csv",
    "pyarrow.fs",
    "pyarrow.ipc",
    "simple_salesforce",
    "smtplib",
    "sqlalchemy.dialects.postgresql.psycopg",
    "stream_zip",
    "vobject",
)
log = logging.getLogger("dsr")

_SERVERS: Final = ("dsr.__main__", "dsr.web", "dsr.migrations", "dsr.exporting", "dsr.metrics")
"""Not needed by tasks."""


def preload() -> None:
    """Import them all, and do once what each task would else do for the first time. Calls nothing but the ledger's
    database, which it needn't reach."""
    for name in (*MODULES, *_own()):
        importlib.import_module(name)
    for warm in _ONCE:
        try:
            warm()
        except Exception as error:  # noqa: BLE001 - whatever it is, the task that needs it will say so
            log.warning("not done ahead: %s, %s", warm.__name__, type(error).__name__)
    # Else the first full collection in every fork walks all of this, a quarter of a second each.
    gc.collect()
    gc.freeze()


def _own() -> Iterator[str]:
    """Every module of the core and the extractors."""
    for package in PACKAGES:
        root = importlib.import_module(package)
        for module in pkgutil.walk_packages(root.__path__, f"{package}."):
            if not module.name.startswith(_SERVERS):
                yield module.name


def _read_register() -> None:
    """It is kept by its files' content, which each task compares."""
    from dsr.register import Register
    from dsr.settings import Settings

    Register.load(Settings.from_environment(need=()).register or None)


def _warm_libraries() -> None:
    """pyarrow loads pandas with the first array, where that is installed, a third of a CPU second."""
    importlib.import_module("pyarrow").array([""])
    importlib.import_module("mimetypes").init()


def _read_own() -> None:
    """Templates, and how the books are mapped."""
    importlib.import_module("dsr.report.html").prepare()
    importlib.import_module("extractors.invoicing.mapping").read()


def _warm_phonenumbers() -> None:
    """The library reads a country's numbering plan, and compiles its patterns, with the first number of it."""
    import phonenumbers

    from dsr.register import Register

    for country in sorted(Register.load().domestic):
        for kind in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE):
            if number := phonenumbers.example_number_for_type(country, kind):
                phonenumbers.number_type(phonenumbers.parse(phonenumbers.format_number(number, 0)))


def _warm_boto() -> None:
    """boto3 reads its model of S3 with the first client, an eighth of a CPU second, and its rules of addresses with the
    first call."""
    from dsr.s3bucket import make_client

    nobody = {"aws_access_key_id": "-", "aws_secret_access_key": "-"}
    client = make_client(region_name="eu-north-1", **nobody)
    client.generate_presigned_url("get_object", {"Bucket": "none", "Key": "none"})


def _warm_trust() -> None:
    """Each of these reads the authorities, 20 ms."""
    from dsr.trust import public_trust, trusting

    public_trust()
    trusting("http")
    trusting("smtp")


def _warm_case() -> None:
    """What encrypts loads its algorithms when it is first used."""
    from dsr.casefile import CaseStore

    with tempfile.TemporaryDirectory() as folder:
        case = CaseStore(folder, bytes(32)).create("dsr-preloaded")
        case.write_json("warm", [0])
        case.read_json("warm")


def _warm_database() -> None:
    """How lists of values are written; and the engine that this process's tasks share, which asks once what the server
    is, and makes a query's text once: half of the 12 ms that the first query takes. No connection is left."""
    from psycopg.adapt import Transformer

    from dsr.database import shared
    from dsr.ledger import Ledger
    from dsr.settings import Settings

    Transformer().as_literal(["a b"])
    engine = shared(Settings.from_environment(need=("ledger_url",)).ledger_url)
    try:
        Ledger(engine, bytes(32)).events("dsr-preloaded")
    finally:
        engine.dispose()


def _read_schemas() -> None:
    """They are kept once read, so that a fork has them."""
    from dsr import schema
    from extractors import SOURCES

    for source in SOURCES:
        for dataset in source.declaration.datasets:
            schema.arrow_schema(dataset.name)


_ONCE: Final = (
    _warm_libraries, _warm_phonenumbers, _read_schemas, _read_own, _read_register, _warm_boto, _warm_trust, _warm_case,
    _warm_database,
)  # fmt: skip
"""None may keep a worker from starting."""
