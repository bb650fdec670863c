-- One row per knowledge entry that is not deleted
CREATE VIEW biglog_report.knowledge AS
SELECT entry_id, title, content, category, tags, source, language, state, version, created_at,
       updated_at
FROM biglog.knowledge_entry
WHERE deleted_at IS NULL;

COMMENT ON VIEW biglog_report.knowledge IS
    'One row per knowledge entry that is not deleted / 每个未删除的知识条目一行';
COMMENT ON COLUMN biglog_report.knowledge.entry_id IS 'Its id / 条目编号';
COMMENT ON COLUMN biglog_report.knowledge.title IS 'Title / 标题';
COMMENT ON COLUMN biglog_report.knowledge.content IS 'Text, Markdown / 正文（Markdown）';
COMMENT ON COLUMN biglog_report.knowledge.category IS 'Category / 分类';
COMMENT ON COLUMN biglog_report.knowledge.tags IS 'Tags / 标签';
COMMENT ON COLUMN biglog_report.knowledge.source IS 'Where it came from / 来源';
COMMENT ON COLUMN biglog_report.knowledge.language IS 'Language / 语言';
COMMENT ON COLUMN biglog_report.knowledge.state IS 'draft, published or archived / draft 草稿、published 已发布、archived 已归档';
COMMENT ON COLUMN biglog_report.knowledge.version IS 'How often it was saved, from 1 / 版本，从 1 开始';
COMMENT ON COLUMN biglog_report.knowledge.created_at IS 'When it was written / 创建时间';
COMMENT ON COLUMN biglog_report.knowledge.updated_at IS 'When it was last changed / 更新时间';
