#!/bin/sh
# Runs once, when the database server is new: one role and one database each for Airflow's metadata and the ledger.
set -eu
psql -v ON_ERROR_STOP=1 -v airflow="$AIRFLOW_DB_PASSWORD" -v ledger="$DSR_DB_PASSWORD" \
     --username postgres --dbname postgres <<'SQL'
CREATE ROLE airflow LOGIN PASSWORD :'airflow';
CREATE DATABASE airflow OWNER airflow;
CREATE ROLE dsr LOGIN PASSWORD :'ledger';
CREATE DATABASE ledger OWNER dsr;
REVOKE ALL ON DATABASE airflow, ledger FROM PUBLIC;
SQL
