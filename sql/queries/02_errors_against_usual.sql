-- Which services had most errors, beside their usual nights? / 哪些服务的错误最多，与平时相比如何？
WITH tonight AS (SELECT coalesce(CAST(:date AS date), (SELECT max(date) FROM biglog_report.coverage)) AS date),
night_errors AS (
    SELECT h.date, h.service, sum(h.errors) AS errors, sum(h.lines) AS lines
    FROM biglog_report.lines_hourly h, tonight t
    WHERE h.date BETWEEN t.date - 28 AND t.date
    GROUP BY h.date, h.service
), arrived AS (
    SELECT DISTINCT c.date FROM biglog_report.coverage c, tonight t
    WHERE c.has_arrived AND c.date BETWEEN t.date - 28 AND t.date - 1
), usual AS (
    SELECT s.service,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY coalesce(e.errors, 0)) AS usual_errors
    FROM (SELECT DISTINCT service FROM night_errors) s
    CROSS JOIN arrived a
    LEFT JOIN night_errors e ON e.service = s.service AND e.date = a.date
    GROUP BY s.service
)
SELECT e.service, e.errors, u.usual_errors, e.lines,
       round((e.errors / nullif(u.usual_errors, 0))::numeric, 1) AS times_usual
FROM night_errors e
JOIN tonight t USING (date)
LEFT JOIN usual u USING (service)
ORDER BY e.errors DESC, e.service
LIMIT 20;
