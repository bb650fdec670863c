-- What was new last night? / 昨晚出现了什么新东西？
SELECT f.service, f.level, f.lines, f.score, coalesce(f.pattern, f.example) AS what, f.started_at
FROM biglog_report.findings f
WHERE f.date = coalesce(CAST(:date AS date), (SELECT max(date) FROM biglog_report.coverage))
  AND f.kind IN ('new_template', 'returned_template')
ORDER BY f.score DESC, f.lines DESC
LIMIT 20;
