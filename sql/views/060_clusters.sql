-- One row per night and cluster of templates that mean alike
CREATE VIEW biglog_report.clusters AS
SELECT c.date, c.label, c.title, c.medoid_id, t.pattern AS medoid_pattern, c.template_ids,
       cardinality(c.template_ids) AS templates, c.lines
FROM biglog.cluster c
LEFT JOIN biglog.template t ON t.template_id = c.medoid_id;

COMMENT ON VIEW biglog_report.clusters IS
    'One row per night and cluster of templates that mean alike / 每晚每个语义相近模板簇一行';
COMMENT ON COLUMN biglog_report.clusters.date IS 'The night / 夜间日期';
COMMENT ON COLUMN biglog_report.clusters.label IS 'Number of the cluster within the night / 当晚簇编号';
COMMENT ON COLUMN biglog_report.clusters.title IS 'What its templates have in common / 簇的共同点';
COMMENT ON COLUMN biglog_report.clusters.medoid_id IS 'Template nearest the centre / 最接近中心的模板';
COMMENT ON COLUMN biglog_report.clusters.medoid_pattern IS 'Its pattern / 其文本';
COMMENT ON COLUMN biglog_report.clusters.template_ids IS 'Its members / 成员模板';
COMMENT ON COLUMN biglog_report.clusters.templates IS 'How many members / 成员数';
COMMENT ON COLUMN biglog_report.clusters.lines IS 'Lines of all members / 全部成员的行数';
