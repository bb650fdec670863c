-- Which findings does each incident of the night rest on? / 当晚每个事件依据哪些发现？
SELECT i.rank, i.title, f.kind, f.service, f.host, round(f.score::numeric, 2) AS score, f.reason
FROM biglog_report.incidents i
JOIN biglog_report.incident_findings f USING (date, incident_id)
WHERE i.date = coalesce(CAST(:date AS date), (SELECT max(date) FROM biglog_report.coverage))
ORDER BY i.rank, f.position;
