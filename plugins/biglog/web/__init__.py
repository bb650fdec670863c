"""The REST API and the pages, inside Airflow's API server."""
