#!/bin/sh
# Two databases, two owners: Airflow's state and BigLog's results never share a role. The extension
# needs a superuser, so it is made here.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" \
  -v airflow="$AIRFLOW_DB_PASSWORD" -v biglog="$BIGLOG_DB_PASSWORD" -v grafana="$GRAFANA_DB_PASSWORD" <<'SQL'
CREATE ROLE airflow LOGIN PASSWORD :'airflow';
CREATE ROLE biglog LOGIN PASSWORD :'biglog';
CREATE ROLE biglog_reader NOLOGIN;
CREATE ROLE grafana LOGIN PASSWORD :'grafana' IN ROLE biglog_reader;
GRANT biglog_reader TO biglog WITH ADMIN OPTION;
CREATE DATABASE airflow OWNER airflow;
CREATE DATABASE biglog OWNER biglog;
\connect biglog
CREATE EXTENSION IF NOT EXISTS vector;
SQL
