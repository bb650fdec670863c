-- Templates whose lines came far more often while a metric was odd.
CREATE TABLE biglog.metric_template (
    date date NOT NULL,
    source text NOT NULL,
    series text NOT NULL,
    at timestamptz NOT NULL,
    template_id text NOT NULL,
    lines bigint NOT NULL,
    usual double precision NOT NULL,
    spells integer NOT NULL,
    rises integer NOT NULL,
    chance double precision NOT NULL CHECK (chance BETWEEN 0 AND 1),
    PRIMARY KEY (date, source, series, at, template_id),
    FOREIGN KEY (date, source, series, at) REFERENCES biglog.metric_anomaly ON DELETE CASCADE
);
