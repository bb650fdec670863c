-- The reading role, checked after every migration: it sees the views and nothing else.
DO $$
BEGIN
    CREATE ROLE biglog_reader NOLOGIN;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN
        RAISE WARNING 'role biglog_reader is missing and this user may not create it: an administrator should run CREATE ROLE biglog_reader NOLOGIN, then migrate again';
END
$$;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'biglog_reader') THEN
        RETURN;
    END IF;
    REVOKE ALL ON ALL TABLES IN SCHEMA biglog FROM biglog_reader;
    REVOKE ALL ON SCHEMA biglog FROM biglog_reader;
    GRANT USAGE ON SCHEMA biglog_report TO biglog_reader;
    GRANT SELECT ON ALL TABLES IN SCHEMA biglog_report TO biglog_reader;
END
$$;

-- Settings of a role apply to those who log in as it; give each login role of yours the same.
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_roles
        WHERE rolname = 'biglog_reader'
          AND coalesce(array_length(rolconfig, 1), 0) < 4
    ) THEN
        ALTER ROLE biglog_reader SET default_transaction_read_only = on;
        ALTER ROLE biglog_reader SET statement_timeout = '30s';
        ALTER ROLE biglog_reader SET idle_in_transaction_session_timeout = '60s';
        ALTER ROLE biglog_reader SET search_path = biglog_report;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE WARNING 'this user may not change role biglog_reader: its time limits and read-only setting were left as they are';
END
$$;
