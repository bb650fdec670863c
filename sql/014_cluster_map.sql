-- Where the night's templates lie on a plane, near what means alike.
CREATE TABLE biglog.cluster_map (
    date date NOT NULL REFERENCES biglog.night ON DELETE CASCADE,
    template_id text NOT NULL,
    x double precision NOT NULL CHECK (x BETWEEN -1 AND 1),
    y double precision NOT NULL CHECK (y BETWEEN -1 AND 1),
    label integer NOT NULL,
    lines bigint NOT NULL,
    PRIMARY KEY (date, template_id)
);
