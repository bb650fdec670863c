-- How many lines and errors came each night of the last month? / 最近一个月每晚有多少行日志和错误？
SELECT date, source, lines, errors, warnings, templates,
       round(100.0 * errors / nullif(lines, 0), 2) AS error_percent
FROM biglog_report.lines_daily
WHERE date > coalesce(CAST(:date AS date), (SELECT max(date) FROM biglog_report.coverage)) - 30
ORDER BY date DESC, source;
