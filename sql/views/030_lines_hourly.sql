-- One row per night, source, service and hour: how many lines of which severity
CREATE VIEW biglog_report.lines_hourly AS
SELECT date, source, service, date_trunc('hour', bucket, 'UTC') AS hour_at,
       sum(count)::bigint AS lines,
       coalesce(sum(count) FILTER (WHERE level IN ('ERROR', 'CRITICAL')), 0)::bigint AS errors,
       coalesce(sum(count) FILTER (WHERE level = 'WARNING'), 0)::bigint AS warnings
FROM biglog.template_count
GROUP BY date, source, service, date_trunc('hour', bucket, 'UTC');

COMMENT ON VIEW biglog_report.lines_hourly IS
    'One row per night, source, service and hour: how many lines of which severity / 每晚每个来源、服务、小时一行：各级别日志行数';
COMMENT ON COLUMN biglog_report.lines_hourly.date IS 'The night / 夜间日期';
COMMENT ON COLUMN biglog_report.lines_hourly.source IS 'Where the lines came from / 日志来源';
COMMENT ON COLUMN biglog_report.lines_hourly.service IS 'Service, empty where unknown / 服务，未知时为空';
COMMENT ON COLUMN biglog_report.lines_hourly.hour_at IS 'Start of the hour, UTC / 小时的起点（UTC）';
COMMENT ON COLUMN biglog_report.lines_hourly.lines IS 'Lines / 行数';
COMMENT ON COLUMN biglog_report.lines_hourly.errors IS 'Lines of level ERROR or CRITICAL / ERROR 或 CRITICAL 级别的行数';
COMMENT ON COLUMN biglog_report.lines_hourly.warnings IS 'Lines of level WARNING / WARNING 级别的行数';
