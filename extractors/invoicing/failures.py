"""What a database's error means: the one place where an SQLSTATE becomes a dsr error.

SQLSTATE: SQL standard, PostgreSQL's appendix A. A driver's message may hold values and never leaves this module.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
import pyarrow as pa
from sqlalchemy import exc

from dsr.errors import DsrError, PermanentError, TransientError

PLACE: Final = "invoicing"

_PERMANENT: Final = {
    "42P01": "table.missing",
    "42703": "column.missing",
    "42501": "credentials.refused",
    "3D000": "database.missing",
    "3F000": "table.missing",
    "25006": "database.read_only",
    "22001": "value.refused",
    "23502": "value.refused",
    "23505": "value.refused",
    "23514": "value.refused",
}
_REFUSED: Final = {"23001": "foreign_key", "23503": "foreign_key", "P0001": "trigger"}
_REFUSED_CLASS: Final = "28"
_TRANSIENT: Final = {"57014": "timeout", "40001": "conflict", "40P01": "conflict", "55P03": "locked"}
# libpq keeps no SQLSTATE of a sign-in that failed, only its message.
_REFUSALS: Final = ("authentication failed", "not permitted to log in", "no pg_hba.conf entry", "no password supplied")
_NO_DATABASE: Final = 'database "'


class Refused(PermanentError):
    """The database won't have a change because of what other rows or its own rules say: a foreign key, a trigger."""


@contextmanager
def coded() -> Iterator[None]:
    """Turn whatever the driver raises inside into a TransientError or PermanentError without its text."""
    try:
        yield
    except DsrError:
        raise
    except (exc.NoSuchModuleError, exc.ArgumentError, ImportError):
        raise PermanentError("connection.drivername", PLACE) from None
    except exc.NoSuchTableError:
        raise PermanentError("table.missing", PLACE) from None
    except exc.IntegrityError as error:
        meant = _meaning(error.orig)
        raise (Refused("foreign_key", PLACE) if isinstance(meant, TransientError) else meant) from None
    except exc.DBAPIError as error:
        raise _meaning(error.orig) from None
    except exc.SQLAlchemyError:
        raise TransientError("database", PLACE) from None
    except pa.ArrowInvalid:
        raise PermanentError("row.unreadable", PLACE) from None
    except psycopg.Error as error:
        raise _meaning(error) from None


def _meaning(error: BaseException | None) -> DsrError:
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or ""
    if state in _REFUSED:
        return Refused(_REFUSED[state], PLACE)
    if state in _PERMANENT:
        return PermanentError(_PERMANENT[state], PLACE)
    if state.startswith(_REFUSED_CLASS):
        return PermanentError("credentials.refused", PLACE)
    if state in _TRANSIENT:
        return TransientError(_TRANSIENT[state], PLACE)
    if not state:
        text = str(error)
        if any(refusal in text for refusal in _REFUSALS):
            return PermanentError("credentials.refused", PLACE)
        if _NO_DATABASE in text and "does not exist" in text:
            return PermanentError("database.missing", PLACE)
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        return TransientError("timeout", PLACE)
    return TransientError("connection.failed" if _is_connection(error, state) else "database", PLACE)


def _is_connection(error: BaseException | None, state: str) -> bool:
    return state[:2] in ("08", "57", "53") or type(error).__name__ in ("OperationalError", "InterfaceError")
