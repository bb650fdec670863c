-- One row per night and anomaly of a metric series: odd points that follow one another
CREATE VIEW biglog_report.metric_anomalies AS
SELECT date, rank, source, series, started_at, ended_at, at, value, expected, score, points, reason
FROM biglog.metric_anomaly;

COMMENT ON VIEW biglog_report.metric_anomalies IS
    'One row per night and anomaly of a metric series: odd points that follow one another / 每晚每个指标异常一行：同一序列上相连的异常点';
COMMENT ON COLUMN biglog_report.metric_anomalies.date IS 'The night / 夜间日期';
COMMENT ON COLUMN biglog_report.metric_anomalies.rank IS '1 is the oddest of the night / 1 为当晚最异常';
COMMENT ON COLUMN biglog_report.metric_anomalies.source IS 'Its [[metrics]] in sources.toml / sources.toml 中的 [[metrics]] 名';
COMMENT ON COLUMN biglog_report.metric_anomalies.series IS 'Name of the series / 序列名';
COMMENT ON COLUMN biglog_report.metric_anomalies.started_at IS 'First odd point, UTC / 首个异常点时间（UTC）';
COMMENT ON COLUMN biglog_report.metric_anomalies.ended_at IS 'Last odd point, UTC / 末个异常点时间（UTC）';
COMMENT ON COLUMN biglog_report.metric_anomalies.at IS 'Peak: the odd point farthest from the usual, UTC / 峰值：偏离平常最远的异常点时间（UTC）';
COMMENT ON COLUMN biglog_report.metric_anomalies.value IS 'Measured at the peak / 峰值处实测值';
COMMENT ON COLUMN biglog_report.metric_anomalies.expected IS 'Usual there / 峰值处平常值';
COMMENT ON COLUMN biglog_report.metric_anomalies.score IS 'How odd its oddest point is, 0 to 1 / 最异常点的异常程度，0 到 1';
COMMENT ON COLUMN biglog_report.metric_anomalies.points IS 'How many points are odd / 异常点个数';
COMMENT ON COLUMN biglog_report.metric_anomalies.reason IS 'Why, in one sentence / 一句话原因';
