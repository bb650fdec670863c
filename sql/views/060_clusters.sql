-- One row per night and cluster of templates that mean alike
CREATE VIEW biglog_report.clusters AS
SELECT c.date, c.label, c.title, c.medoid_id, t.pattern AS medoid_pattern, c.template_ids,
       cardinality(c.template_ids) AS templates, c.lines, c.identity, c.since, c.joined_ids, c.left_ids
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
COMMENT ON COLUMN biglog_report.clusters.identity IS 'The same on every night on which it carries on / 跨夜不变的簇标识';
COMMENT ON COLUMN biglog_report.clusters.since IS 'The night on which it was first seen / 首次出现之夜';
COMMENT ON COLUMN biglog_report.clusters.joined_ids IS 'Templates that joined since it was last seen / 自上次出现以来加入的模板';
COMMENT ON COLUMN biglog_report.clusters.left_ids IS 'Templates that left, gone or in another cluster / 离开的模板（消失或归入他簇）';
