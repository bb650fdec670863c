# One image for every service. A GPU worker uses the same one: pip picks the torch build.
FROM python:3.11-slim-bookworm

RUN apt-get update \
    && apt-get install -y --no-install-recommends curl dumb-init \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 50000 --gid 0 --home-dir /opt/airflow --create-home airflow \
    && mkdir -p /var/lib/biglog /opt/airflow/logs /opt/airflow/auth \
    && chown -R 50000:0 /var/lib/biglog /opt/airflow \
    && chmod -R g=u /var/lib/biglog /opt/airflow

WORKDIR /opt/biglog
COPY requirements.lock pyproject.toml README.md ./
RUN pip install --no-cache-dir torch==2.13.0 uv==0.13.8 \
    && uv pip install --system --no-cache --no-deps -r requirements.lock
COPY . .
RUN uv pip install --system --no-cache --no-deps --no-build-isolation -e .

USER 50000
ENV AIRFLOW_HOME=/opt/airflow BIGLOG_HOME=/var/lib/biglog PYTHONIOENCODING=utf-8
RUN python -m biglog.precompile
ENTRYPOINT ["dumb-init", "--"]
CMD ["biglog", "--help"]
