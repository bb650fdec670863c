-- What were the incidents of the last week? / 最近一周有哪些事件？
SELECT date, rank, severity, state, day, service, title, cause, started_at, round(minutes) AS minutes
FROM biglog_report.incidents
WHERE date > coalesce(CAST(:date AS date), (SELECT max(date) FROM biglog_report.coverage)) - 7
ORDER BY date DESC, rank;
