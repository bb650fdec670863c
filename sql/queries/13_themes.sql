-- Which themes did the night's lines fall into? / 当晚的日志分为哪些主题？
SELECT label, title, templates, lines, medoid_pattern
FROM biglog_report.clusters
WHERE date = coalesce(CAST(:date AS date), (SELECT max(date) FROM biglog_report.coverage))
ORDER BY lines DESC;
