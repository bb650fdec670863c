-- What people made of the catalogue, and what stood under each template's wildcards.
ALTER TABLE biglog.template
    ADD COLUMN name text NOT NULL DEFAULT '',
    ADD COLUMN pinned boolean NOT NULL DEFAULT false,
    ADD COLUMN aliases text[] NOT NULL DEFAULT '{}',
    ADD COLUMN split_from text REFERENCES biglog.template;
CREATE INDEX template_merged ON biglog.template (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX template_split ON biglog.template (split_from) WHERE split_from IS NOT NULL;

-- Append only. "before" has, for each template that changed, its columns as they were.
CREATE TABLE biglog.template_edit (
    edit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    template_id text NOT NULL REFERENCES biglog.template,
    action text NOT NULL
        CHECK (action IN ('rename', 'pin', 'unpin', 'merge', 'split', 'undo')),
    detail text NOT NULL,
    before jsonb NOT NULL,
    undoes bigint UNIQUE REFERENCES biglog.template_edit,
    author text NOT NULL,
    edited_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((action = 'undo') = (undoes IS NOT NULL))
);
CREATE INDEX template_edit_template ON biglog.template_edit (template_id);

-- Replaced whole per (source, date), with the partition's counts.
CREATE TABLE biglog.template_variable (
    source text NOT NULL,
    date date NOT NULL,
    template_id text NOT NULL,
    slot integer NOT NULL CHECK (slot >= 1),
    kind text NOT NULL,
    values bigint NOT NULL,
    distinct_values bigint NOT NULL,
    top_values jsonb NOT NULL,
    unit text NOT NULL,
    numbers bigint NOT NULL,
    minimum double precision,
    maximum double precision,
    mean double precision,
    p50 double precision,
    p95 double precision,
    p99 double precision,
    PRIMARY KEY (date, source, template_id, slot)
);
CREATE INDEX template_variable_template ON biglog.template_variable (template_id, date);
