#!/bin/sh
# with-secrets.sh COMMAND…: runs it with the secrets that lie as files in $DSR_SECRETS, each under its variable's name,
# as Kubernetes and Docker mount them. What the environment says already stays.
set -eu
for file in "${DSR_SECRETS:-/run/secrets/dsr}"/*; do
    name=$(basename "$file")
    if [ -f "$file" ] && ! printenv "$name" >/dev/null; then
        export "$name=$(cat "$file")"
    fi
done
exec "$@"
