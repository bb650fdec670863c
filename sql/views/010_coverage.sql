-- One row per source and night: what arrived and what could not be read
CREATE VIEW biglog_report.coverage AS
SELECT date, source, state, state IN ('complete', 'empty') AS has_arrived, files, bytes, lines,
       quarantined, quarantined::double precision / nullif(lines + quarantined, 0) AS bad_ratio,
       format, first_at, last_at, reason, saved_at
FROM biglog.coverage;

COMMENT ON VIEW biglog_report.coverage IS
    'One row per source and night: what arrived and what could not be read / 每个来源每晚一行：到达了什么、哪些无法读取';
COMMENT ON COLUMN biglog_report.coverage.date IS 'The night / 夜间日期';
COMMENT ON COLUMN biglog_report.coverage.source IS 'Where the lines came from / 日志来源';
COMMENT ON COLUMN biglog_report.coverage.state IS 'complete, empty, missing or failed / complete 完整、empty 空、missing 缺失、failed 失败';
COMMENT ON COLUMN biglog_report.coverage.has_arrived IS 'True where files arrived and could be read / 文件已到达且可读时为真';
COMMENT ON COLUMN biglog_report.coverage.files IS 'Files read / 读取的文件数';
COMMENT ON COLUMN biglog_report.coverage.bytes IS 'Bytes read / 读取的字节数';
COMMENT ON COLUMN biglog_report.coverage.lines IS 'Lines kept / 保留的行数';
COMMENT ON COLUMN biglog_report.coverage.quarantined IS 'Lines that could not be read / 无法读取的行数';
COMMENT ON COLUMN biglog_report.coverage.bad_ratio IS 'Share of unreadable lines, 0 to 1 / 无法读取行的比例，0 到 1';
COMMENT ON COLUMN biglog_report.coverage.format IS 'Format the lines were read as / 按何种格式读取';
COMMENT ON COLUMN biglog_report.coverage.first_at IS 'Time of the earliest line, UTC / 最早一行的时间（UTC）';
COMMENT ON COLUMN biglog_report.coverage.last_at IS 'Time of the latest line, UTC / 最晚一行的时间（UTC）';
COMMENT ON COLUMN biglog_report.coverage.reason IS 'Why it is missing or failed / 缺失或失败的原因';
COMMENT ON COLUMN biglog_report.coverage.saved_at IS 'When this row was written / 本行写入时间';
