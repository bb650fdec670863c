-- Which hosts had the most errors? / 哪些主机的错误最多？
SELECT host, sum(lines) FILTER (WHERE level IN ('ERROR', 'CRITICAL')) AS errors,
       sum(lines) AS lines, count(DISTINCT template_id) AS templates, max(last_at) AS last_at
FROM biglog_report.template_counts
WHERE date = coalesce(CAST(:date AS date), (SELECT max(date) FROM biglog_report.coverage))
  AND host <> ''
GROUP BY host
ORDER BY errors DESC NULLS LAST, host
LIMIT 20;
