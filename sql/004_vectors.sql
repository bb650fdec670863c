-- What texts mean under which model; vectors of different models are never compared.
CREATE TABLE biglog.embedding_model (
    model_id text PRIMARY KEY,
    name text NOT NULL,
    dim integer NOT NULL CHECK (dim BETWEEN 1 AND 4000),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- The column has no dimension of its own; the store makes one index per model and dimension.
CREATE TABLE biglog.vector (
    model_id text NOT NULL REFERENCES biglog.embedding_model ON DELETE CASCADE,
    text_sha text NOT NULL,
    text text NOT NULL,
    embedding halfvec NOT NULL,
    PRIMARY KEY (model_id, text_sha)
);
