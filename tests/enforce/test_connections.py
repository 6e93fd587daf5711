"""Connections in the environment, in both of Airflow's forms."""

import pytest

from dsr.connections import from_environment
from dsr.errors import PermanentError


def test_both_forms_say_the_same() -> None:
    uri = "postgres://user:p%40ss@db.example:5432/books?sslmode=require"
    json_form = (
        '{"conn_type": "postgres", "host": "db.example", "port": 5432, "login": "user", "password": "p@ss",'
        ' "schema": "books", "extra": {"sslmode": "require"}}'
    )
    as_text = json_form.replace('{"sslmode": "require"}', '"{\\"sslmode\\": \\"require\\"}"')
    nested = "postgres://user:p%40ss@db.example:5432/books?__extra__=%7B%22sslmode%22%3A+%22require%22%7D"
    found = [from_environment("dsr_books", {"AIRFLOW_CONN_DSR_BOOKS": t}) for t in (uri, json_form, as_text, nested)]
    assert found[0] is not None
    assert (found[0].password, found[0].extra) == ("p@ss", {"sslmode": "require"})
    assert all(connection == found[0] for connection in found)
    assert "p@ss" not in repr(found[0])


def test_absent_and_unreadable() -> None:
    assert from_environment("dsr_books", {}) is None
    for text in ("{", "no uri", "[1]", '{"port": "x"}', "a://h:port"):
        with pytest.raises(PermanentError, match=r"connection\.unreadable"):
            from_environment("dsr_books", {"AIRFLOW_CONN_DSR_BOOKS": text})
