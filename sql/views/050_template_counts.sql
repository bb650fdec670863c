-- One row per night, source, service, host, level and template: how often
CREATE VIEW biglog_report.template_counts AS
SELECT c.date, c.source, c.service, c.host, c.level, c.template_id, t.pattern,
       sum(c.count)::bigint AS lines, min(c.first_at) AS first_at, max(c.last_at) AS last_at
FROM biglog.template_count c
LEFT JOIN biglog.template t USING (template_id)
GROUP BY c.date, c.source, c.service, c.host, c.level, c.template_id, t.pattern;

COMMENT ON VIEW biglog_report.template_counts IS
    'One row per night, source, service, host, level and template: how often / 每晚每个来源、服务、主机、级别、模板一行：出现次数';
COMMENT ON COLUMN biglog_report.template_counts.date IS 'The night / 夜间日期';
COMMENT ON COLUMN biglog_report.template_counts.source IS 'Where the lines came from / 日志来源';
COMMENT ON COLUMN biglog_report.template_counts.service IS 'Service, empty where unknown / 服务，未知时为空';
COMMENT ON COLUMN biglog_report.template_counts.host IS 'Host, empty where unknown / 主机，未知时为空';
COMMENT ON COLUMN biglog_report.template_counts.level IS 'Severity, empty where unknown / 级别，未知时为空';
COMMENT ON COLUMN biglog_report.template_counts.template_id IS 'Kind of line / 模板编号';
COMMENT ON COLUMN biglog_report.template_counts.pattern IS 'The template as it is now / 模板当前文本';
COMMENT ON COLUMN biglog_report.template_counts.lines IS 'Lines / 行数';
COMMENT ON COLUMN biglog_report.template_counts.first_at IS 'Time of the first, UTC / 首次时间（UTC）';
COMMENT ON COLUMN biglog_report.template_counts.last_at IS 'Time of the last, UTC / 末次时间（UTC）';
