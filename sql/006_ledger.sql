-- What left the house: rendered reports, mails claimed before they are sent, uploads answered.
CREATE TABLE biglog.report (
    date date NOT NULL,
    locale text NOT NULL,
    path text NOT NULL,
    sha256 text NOT NULL,
    bytes bigint NOT NULL,
    rendered_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (date, locale)
);

CREATE TABLE biglog.delivery (
    partition text NOT NULL,
    recipient text NOT NULL,
    report_sha text NOT NULL,
    message_id text NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz,
    PRIMARY KEY (partition, recipient, report_sha)
);

CREATE TABLE biglog.upload (
    upload_id text PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    bytes bigint NOT NULL,
    source text NOT NULL,
    date date NOT NULL,
    author text NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    reason text NOT NULL DEFAULT '',
    report_path text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX upload_created ON biglog.upload (created_at);
