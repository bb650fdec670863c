-- What one night said: what arrived, what was done with it, what was found.
CREATE TABLE biglog.coverage (
    source text NOT NULL,
    date date NOT NULL,
    state text NOT NULL CHECK (state IN ('complete', 'empty', 'missing', 'failed')),
    files bigint NOT NULL,
    bytes bigint NOT NULL,
    lines bigint NOT NULL,
    quarantined bigint NOT NULL,
    format text NOT NULL,
    first_at timestamptz,
    last_at timestamptz,
    reason text NOT NULL,
    saved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (date, source)
);

CREATE TABLE biglog.stage_run (
    stage text NOT NULL,
    source text NOT NULL,
    date date NOT NULL,
    rows_in bigint NOT NULL,
    rows_out bigint NOT NULL,
    skipped bigint NOT NULL,
    seconds double precision NOT NULL,
    note text NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (date, stage, source)
);

CREATE TABLE biglog.night (
    date date PRIMARY KEY,
    history_days integer NOT NULL,
    model_id text NOT NULL,
    published_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE biglog.cluster (
    date date NOT NULL REFERENCES biglog.night ON DELETE CASCADE,
    label integer NOT NULL,
    position integer NOT NULL,
    title text NOT NULL,
    medoid_id text NOT NULL,
    template_ids text[] NOT NULL,
    lines bigint NOT NULL,
    PRIMARY KEY (date, label)
);

CREATE TABLE biglog.finding (
    date date NOT NULL REFERENCES biglog.night ON DELETE CASCADE,
    finding_id text NOT NULL,
    position integer NOT NULL,
    kind text NOT NULL,
    source text NOT NULL,
    service text NOT NULL,
    host text NOT NULL,
    template_id text NOT NULL,
    level text NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    score double precision NOT NULL CHECK (score BETWEEN 0 AND 1),
    count bigint NOT NULL,
    expected double precision NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    evidence jsonb NOT NULL,
    example text NOT NULL,
    PRIMARY KEY (date, finding_id)
);
CREATE INDEX finding_template ON biglog.finding (template_id, date);
CREATE INDEX finding_started ON biglog.finding (started_at);

-- An incident that lasts over nights has one row per night.
CREATE TABLE biglog.incident (
    date date NOT NULL REFERENCES biglog.night ON DELETE CASCADE,
    incident_id text NOT NULL,
    rank integer NOT NULL,
    title text NOT NULL,
    severity integer NOT NULL CHECK (severity BETWEEN 0 AND 100),
    factors jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('new', 'ongoing', 'returned', 'resolved')),
    day integer NOT NULL,
    services text[] NOT NULL,
    hosts text[] NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    first_line text NOT NULL,
    worst_line text NOT NULL,
    causes jsonb NOT NULL,
    similar_events jsonb NOT NULL,
    runbooks jsonb NOT NULL,
    text_sha text NOT NULL,
    PRIMARY KEY (date, incident_id)
);
CREATE INDEX incident_id ON biglog.incident (incident_id, date);
CREATE INDEX incident_text ON biglog.incident (text_sha);

CREATE TABLE biglog.incident_finding (
    date date NOT NULL,
    incident_id text NOT NULL,
    finding_id text NOT NULL,
    position integer NOT NULL,
    PRIMARY KEY (date, incident_id, finding_id),
    FOREIGN KEY (date, incident_id) REFERENCES biglog.incident ON DELETE CASCADE
);
CREATE INDEX incident_finding_finding ON biglog.incident_finding (date, finding_id);
