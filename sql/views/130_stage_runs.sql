-- One row per night, stage and source: the latest run
CREATE VIEW biglog_report.stage_runs AS
SELECT date, stage, source, rows_in, rows_out, skipped, seconds,
       rows_in / nullif(seconds, 0) AS rows_per_second, note, finished_at
FROM biglog.stage_run;

COMMENT ON VIEW biglog_report.stage_runs IS
    'One row per night, stage and source: the latest run / 每晚每个阶段、来源的最近一次运行一行';
COMMENT ON COLUMN biglog_report.stage_runs.date IS 'The night / 夜间日期';
COMMENT ON COLUMN biglog_report.stage_runs.stage IS 'What was done / 阶段';
COMMENT ON COLUMN biglog_report.stage_runs.source IS 'Source, empty where all / 来源，全部时为空';
COMMENT ON COLUMN biglog_report.stage_runs.rows_in IS 'Rows read / 读入行数';
COMMENT ON COLUMN biglog_report.stage_runs.rows_out IS 'Rows written / 写出行数';
COMMENT ON COLUMN biglog_report.stage_runs.skipped IS 'Rows left out / 跳过行数';
COMMENT ON COLUMN biglog_report.stage_runs.seconds IS 'How long it took / 耗时（秒）';
COMMENT ON COLUMN biglog_report.stage_runs.rows_per_second IS 'Rows read per second / 每秒读入行数';
COMMENT ON COLUMN biglog_report.stage_runs.note IS 'What was chosen and why / 说明';
COMMENT ON COLUMN biglog_report.stage_runs.finished_at IS 'When it ended / 结束时间';
