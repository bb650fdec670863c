#!/bin/sh
# Runs once before the services: Airflow's database, BigLog's schema, the pool that bounds GPU work.
set -eu
airflow db migrate
airflow pools set gpu "${BIGLOG_GPU_SLOTS:-1}" "One slot a GPU."
biglog db migrate
biglog kb import /opt/biglog/knowledge
