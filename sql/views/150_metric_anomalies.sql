-- One row per night, metric series and odd point
CREATE VIEW biglog_report.metric_anomalies AS
SELECT date, series, at, value, expected, score, reason
FROM biglog.metric_anomaly;

COMMENT ON VIEW biglog_report.metric_anomalies IS
    'One row per night, metric series and odd point / 每晚每个指标序列的异常点一行';
COMMENT ON COLUMN biglog_report.metric_anomalies.date IS 'The night / 夜间日期';
COMMENT ON COLUMN biglog_report.metric_anomalies.series IS 'Name of the series / 序列名';
COMMENT ON COLUMN biglog_report.metric_anomalies.at IS 'Time of the point, UTC / 时间（UTC）';
COMMENT ON COLUMN biglog_report.metric_anomalies.value IS 'Measured / 实测值';
COMMENT ON COLUMN biglog_report.metric_anomalies.expected IS 'Forecast / 预测值';
COMMENT ON COLUMN biglog_report.metric_anomalies.score IS 'How odd, 0 to 1 / 异常程度，0 到 1';
COMMENT ON COLUMN biglog_report.metric_anomalies.reason IS 'Why, in one sentence / 一句话原因';
