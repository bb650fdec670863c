-- pgvector, in a migration of its own: indexes on its types must not share this transaction.
CREATE EXTENSION IF NOT EXISTS vector;
