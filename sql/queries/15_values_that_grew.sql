-- Which durations and sizes inside lines grew against the week before? / 哪些日志中的时长和大小比前一周变大了？
WITH tonight AS (SELECT coalesce(CAST(:date AS date), (SELECT max(date) FROM biglog_report.coverage)) AS date),
usual AS (
    SELECT v.source, v.template_id, v.slot, v.unit, count(*) AS nights,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY v.p50) AS p50,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY v.p99) AS p99
    FROM biglog_report.template_variables v, tonight t
    WHERE v.date BETWEEN t.date - 7 AND t.date - 1 AND v.kind IN ('duration', 'size')
    GROUP BY v.source, v.template_id, v.slot, v.unit
)
SELECT v.source, v.template_id, v.pattern, v.slot, v.kind, v.unit, v.numbers,
       v.p50, u.p50 AS usual_p50, v.p99, u.p99 AS usual_p99,
       round((v.p99 / nullif(u.p99, 0))::numeric, 2) AS times_usual, u.nights
FROM biglog_report.template_variables v
JOIN tonight t ON v.date = t.date
JOIN usual u USING (source, template_id, slot, unit)
WHERE v.p99 > u.p99
ORDER BY times_usual DESC NULLS FIRST, v.numbers DESC
LIMIT 20;
