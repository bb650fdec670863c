-- Private tables in biglog (made by the migration runner), public views in biglog_report.
CREATE SCHEMA biglog_report;
COMMENT ON SCHEMA biglog IS 'BigLog''s own tables; read biglog_report instead / BigLog 的内部表，请改读 biglog_report';
COMMENT ON SCHEMA biglog_report IS 'What BigLog publishes: stable, documented views / BigLog 对外发布的稳定视图';
