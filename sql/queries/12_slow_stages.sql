-- Where did the night's time go? / 当晚的处理时间花在哪里？
SELECT stage, source, round(seconds::numeric, 2) AS seconds, rows_in, rows_out, skipped,
       round(rows_per_second::numeric) AS rows_per_second
FROM biglog_report.stage_runs
WHERE date = coalesce(CAST(:date AS date), (SELECT max(date) FROM biglog_report.coverage))
ORDER BY seconds DESC;
