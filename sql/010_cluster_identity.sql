-- The same cluster on several nights. Clusters of before have a founding of their own.
ALTER TABLE biglog.cluster
    ADD COLUMN identity text NOT NULL DEFAULT '',
    ADD COLUMN since date,
    ADD COLUMN joined_ids text[] NOT NULL DEFAULT '{}',
    ADD COLUMN left_ids text[] NOT NULL DEFAULT '{}';
UPDATE biglog.cluster SET identity = date::text || '/' || label::text, since = date;
ALTER TABLE biglog.cluster ALTER COLUMN since SET NOT NULL, ALTER COLUMN identity DROP DEFAULT;
CREATE INDEX cluster_identity ON biglog.cluster (identity, date);
