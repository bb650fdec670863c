-- One row per model that was made or dropped in
CREATE VIEW biglog_report.model_versions AS
SELECT model_id, kind, path, metrics, is_active, note, created_at
FROM biglog.model_version;

COMMENT ON VIEW biglog_report.model_versions IS
    'One row per model that was made or dropped in / 每个训练或放入的模型一行';
COMMENT ON COLUMN biglog_report.model_versions.model_id IS 'Its id / 模型编号';
COMMENT ON COLUMN biglog_report.model_versions.kind IS 'What it is for / 用途';
COMMENT ON COLUMN biglog_report.model_versions.path IS 'Where it lies / 位置';
COMMENT ON COLUMN biglog_report.model_versions.metrics IS 'Its measurements / 测量结果';
COMMENT ON COLUMN biglog_report.model_versions.is_active IS 'True for the one in use / 正在使用时为真';
COMMENT ON COLUMN biglog_report.model_versions.note IS 'What people wrote about it / 备注';
COMMENT ON COLUMN biglog_report.model_versions.created_at IS 'When it was made / 创建时间';
