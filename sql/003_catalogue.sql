-- Kinds of lines, what they looked like before, and how often each was seen when and where.
CREATE TABLE biglog.template (
    template_id text PRIMARY KEY,
    pattern text NOT NULL,
    model_text text NOT NULL,
    text_sha text NOT NULL,
    version integer NOT NULL CHECK (version >= 1),
    example text NOT NULL DEFAULT '',
    first_seen date NOT NULL,
    last_seen date NOT NULL,
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'muted', 'retired', 'merged')),
    merged_into text REFERENCES biglog.template,
    owner text NOT NULL DEFAULT '',
    note text NOT NULL DEFAULT '',
    CHECK (first_seen <= last_seen),
    CHECK ((state = 'merged') = (merged_into IS NOT NULL))
);
CREATE INDEX template_text ON biglog.template (text_sha);
CREATE INDEX template_first_seen ON biglog.template (first_seen);

CREATE TABLE biglog.template_version (
    template_id text NOT NULL REFERENCES biglog.template ON DELETE CASCADE,
    version integer NOT NULL,
    pattern text NOT NULL,
    model_text text NOT NULL,
    date date NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (template_id, version)
);

CREATE TABLE biglog.template_seen (
    template_id text NOT NULL REFERENCES biglog.template ON DELETE CASCADE,
    source text NOT NULL,
    first_date date NOT NULL,
    last_date date NOT NULL,
    PRIMARY KEY (template_id, source),
    CHECK (first_date <= last_date)
);
CREATE INDEX template_seen_source ON biglog.template_seen (source, last_date);

-- No foreign key and no primary key: the partition is replaced whole under a lock, in bulk.
CREATE TABLE biglog.template_count (
    source text NOT NULL,
    date date NOT NULL,
    bucket timestamptz NOT NULL,
    service text NOT NULL,
    host text NOT NULL,
    level text NOT NULL,
    template_id text NOT NULL,
    count bigint NOT NULL CHECK (count >= 0),
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL
);
CREATE INDEX template_count_date ON biglog.template_count (date, source);
CREATE INDEX template_count_template ON biglog.template_count (template_id, date);
