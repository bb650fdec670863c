-- Which service called which, as one night's logs and traces show it; what an incident reaches.
CREATE TABLE biglog.dependency (
    date date NOT NULL,
    caller text NOT NULL CHECK (caller <> ''),
    callee text NOT NULL CHECK (callee <> ''),
    ways jsonb NOT NULL,
    confidence double precision NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    first_at timestamptz,
    last_at timestamptz,
    PRIMARY KEY (date, caller, callee)
);
CREATE INDEX dependency_callee ON biglog.dependency (callee, date);

ALTER TABLE biglog.incident ADD COLUMN depending jsonb NOT NULL DEFAULT '[]';
