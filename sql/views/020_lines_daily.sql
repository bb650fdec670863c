-- One row per night and source: how many lines of which severity
CREATE VIEW biglog_report.lines_daily AS
SELECT date, source, sum(count)::bigint AS lines,
       coalesce(sum(count) FILTER (WHERE level IN ('ERROR', 'CRITICAL')), 0)::bigint AS errors,
       coalesce(sum(count) FILTER (WHERE level = 'WARNING'), 0)::bigint AS warnings,
       count(DISTINCT template_id) AS templates, count(DISTINCT service) AS services,
       count(DISTINCT host) AS hosts, min(first_at) AS first_at, max(last_at) AS last_at
FROM biglog.template_count
GROUP BY date, source;

COMMENT ON VIEW biglog_report.lines_daily IS
    'One row per night and source: how many lines of which severity / 每晚每个来源一行：各级别日志行数';
COMMENT ON COLUMN biglog_report.lines_daily.date IS 'The night / 夜间日期';
COMMENT ON COLUMN biglog_report.lines_daily.source IS 'Where the lines came from / 日志来源';
COMMENT ON COLUMN biglog_report.lines_daily.lines IS 'Lines / 行数';
COMMENT ON COLUMN biglog_report.lines_daily.errors IS 'Lines of level ERROR or CRITICAL / ERROR 或 CRITICAL 级别的行数';
COMMENT ON COLUMN biglog_report.lines_daily.warnings IS 'Lines of level WARNING / WARNING 级别的行数';
COMMENT ON COLUMN biglog_report.lines_daily.templates IS 'Distinct kinds of lines / 不同模板的数量';
COMMENT ON COLUMN biglog_report.lines_daily.services IS 'Distinct services / 不同服务的数量';
COMMENT ON COLUMN biglog_report.lines_daily.hosts IS 'Distinct hosts / 不同主机的数量';
COMMENT ON COLUMN biglog_report.lines_daily.first_at IS 'Time of the earliest line, UTC / 最早一行的时间（UTC）';
COMMENT ON COLUMN biglog_report.lines_daily.last_at IS 'Time of the latest line, UTC / 最晚一行的时间（UTC）';
