-- Runbooks: entries, every revision of each, and the pieces that searches look through.
CREATE TABLE biglog.knowledge_entry (
    entry_id text PRIMARY KEY,
    title text NOT NULL,
    content text NOT NULL,
    category text NOT NULL,
    tags text[] NOT NULL,
    source text NOT NULL,
    language text NOT NULL,
    state text NOT NULL CHECK (state IN ('draft', 'published', 'archived')),
    version integer NOT NULL CHECK (version >= 1),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE INDEX knowledge_entry_source ON biglog.knowledge_entry (source);

-- Append only: nothing here is ever changed or removed.
CREATE TABLE biglog.knowledge_revision (
    entry_id text NOT NULL REFERENCES biglog.knowledge_entry,
    version integer NOT NULL,
    action text NOT NULL CHECK (action IN ('create', 'update', 'delete', 'restore')),
    title text NOT NULL,
    content text NOT NULL,
    category text NOT NULL,
    tags text[] NOT NULL,
    source text NOT NULL,
    language text NOT NULL,
    state text NOT NULL,
    author text NOT NULL,
    comment text NOT NULL,
    saved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (entry_id, version)
);

-- The meaning of a piece is the vector of its text_sha; its words come from the caller's tokens.
CREATE TABLE biglog.knowledge_chunk (
    entry_id text NOT NULL REFERENCES biglog.knowledge_entry ON DELETE CASCADE,
    position integer NOT NULL,
    text text NOT NULL,
    text_sha text NOT NULL,
    tokens tsvector NOT NULL,
    length integer NOT NULL,
    PRIMARY KEY (entry_id, position)
);
CREATE INDEX knowledge_chunk_tokens ON biglog.knowledge_chunk USING gin (tokens);
CREATE INDEX knowledge_chunk_text ON biglog.knowledge_chunk (text_sha);
