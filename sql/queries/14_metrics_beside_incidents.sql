-- Which metrics were odd while an incident went on? / 事件期间哪些指标异常？
SELECT i.rank, i.title, m.series, m.started_at, m.ended_at, m.value, m.expected,
       round(m.score::numeric, 2) AS score
FROM biglog_report.incidents i
JOIN biglog_report.metric_anomalies m
  ON m.started_at <= i.ended_at + interval '10 minutes'
 AND m.ended_at >= i.started_at - interval '10 minutes'
WHERE i.date = coalesce(CAST(:date AS date), (SELECT max(date) FROM biglog_report.coverage))
ORDER BY i.rank, m.score DESC
LIMIT 50;
