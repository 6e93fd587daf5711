#!/bin/sh
# Brings databases, pools, roles, users and the case store's bucket to this version. Safe to run again: with every start.
set -eu
here=$(dirname "$0")
airflow db migrate    # with it the tables of the sign-in (FAB)
python -m dsr db upgrade
pools=$(mktemp)
python -m dsr pools > "$pools"
airflow pools import "$pools"
rm "$pools"
python "$here/access.py"
python "$here/bucket.py"
echo "Databases, pools, roles, users and bucket are there."
