"""Fixtures of this folder; they stand in a module of their own so that tests can import what they are made of."""

from front_desk import airflow, airflow_url, desk, intake, ledger_url

__all__ = ["airflow", "airflow_url", "desk", "intake", "ledger_url"]
