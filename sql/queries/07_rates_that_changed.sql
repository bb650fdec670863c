-- Which kinds of lines came much more or much less often than usual? / 哪些模板的频率明显高于或低于平时？
WITH tonight AS (SELECT coalesce(CAST(:date AS date), (SELECT max(date) FROM biglog_report.coverage)) AS date),
night_lines AS (
    SELECT c.date, c.template_id, c.pattern, sum(c.lines) AS lines
    FROM biglog_report.template_counts c, tonight t
    WHERE c.date BETWEEN t.date - 7 AND t.date
    GROUP BY c.date, c.template_id, c.pattern
)
SELECT n.template_id, n.pattern, coalesce(max(n.lines) FILTER (WHERE n.date = t.date), 0) AS lines,
       round(avg(n.lines) FILTER (WHERE n.date < t.date), 1) AS usual_lines,
       round(coalesce(max(n.lines) FILTER (WHERE n.date = t.date), 0)
             / avg(n.lines) FILTER (WHERE n.date < t.date), 2) AS times_usual
FROM night_lines n, tonight t
GROUP BY n.template_id, n.pattern
HAVING count(*) FILTER (WHERE n.date < t.date) > 0
ORDER BY abs(ln((1 + coalesce(max(n.lines) FILTER (WHERE n.date = t.date), 0))
                / (1 + avg(n.lines) FILTER (WHERE n.date < t.date)))) DESC
LIMIT 20;
