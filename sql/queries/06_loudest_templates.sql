-- Which kinds of lines fill the logs? / 哪些日志模板占用最多？
SELECT template_id, pattern, sum(lines) AS lines,
       round(100 * sum(lines) / sum(sum(lines)) OVER (), 1) AS percent_of_night
FROM biglog_report.template_counts
WHERE date = coalesce(CAST(:date AS date), (SELECT max(date) FROM biglog_report.coverage))
GROUP BY template_id, pattern
ORDER BY lines DESC
LIMIT 20;
