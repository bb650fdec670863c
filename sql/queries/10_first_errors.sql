-- Which error kinds were first seen in the last week? / 最近一周首次出现了哪些错误模板？
SELECT t.first_seen, t.template_id, t.pattern, t.sources, sum(c.lines) AS lines,
       max(c.last_at) AS last_at
FROM biglog_report.templates t
JOIN biglog_report.template_counts c USING (template_id)
WHERE t.first_seen > coalesce(CAST(:date AS date), (SELECT max(date) FROM biglog_report.coverage)) - 7
  AND c.level IN ('ERROR', 'CRITICAL')
GROUP BY t.first_seen, t.template_id, t.pattern, t.sources
ORDER BY t.first_seen DESC, lines DESC;
