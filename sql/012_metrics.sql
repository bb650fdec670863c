-- Anomalies of metrics are stretches of time of one source's series; what arrived of the metrics.
ALTER TABLE biglog.metric_anomaly
    ADD COLUMN source text NOT NULL DEFAULT '',
    ADD COLUMN rank integer NOT NULL DEFAULT 0,
    ADD COLUMN started_at timestamptz,
    ADD COLUMN ended_at timestamptz,
    ADD COLUMN points integer NOT NULL DEFAULT 1,
    ADD COLUMN curve jsonb;
UPDATE biglog.metric_anomaly SET started_at = at, ended_at = at;
ALTER TABLE biglog.metric_anomaly
    ALTER COLUMN started_at SET NOT NULL,
    ALTER COLUMN ended_at SET NOT NULL,
    DROP CONSTRAINT metric_anomaly_pkey,
    ADD PRIMARY KEY (date, source, series, at);

CREATE TABLE biglog.metric_coverage (
    date date NOT NULL,
    source text NOT NULL,
    state text NOT NULL CHECK (state IN ('complete', 'empty', 'missing', 'failed')),
    series integer NOT NULL,
    points bigint NOT NULL,
    judged bigint NOT NULL,
    anomalies integer NOT NULL,
    gone integer NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (date, source)
);
