-- What people said back, what models were made, what the metrics did.
CREATE TABLE biglog.feedback (
    feedback_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('mute', 'confirm', 'dismiss', 'note')),
    target text NOT NULL CHECK (target IN ('incident', 'template')),
    target_id text NOT NULL,
    note text NOT NULL,
    author text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    withdrawn_at timestamptz,
    CHECK (expires_at IS NULL OR kind = 'mute')
);
CREATE INDEX feedback_target ON biglog.feedback (target, target_id);

CREATE TABLE biglog.model_version (
    model_id text PRIMARY KEY,
    kind text NOT NULL,
    path text NOT NULL,
    metrics jsonb NOT NULL,
    is_active boolean NOT NULL DEFAULT false,
    note text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX model_version_active ON biglog.model_version (kind) WHERE is_active;

CREATE TABLE biglog.metric_anomaly (
    date date NOT NULL,
    series text NOT NULL,
    at timestamptz NOT NULL,
    value double precision NOT NULL,
    expected double precision,
    score double precision NOT NULL CHECK (score BETWEEN 0 AND 1),
    reason text NOT NULL,
    PRIMARY KEY (date, series, at)
);
