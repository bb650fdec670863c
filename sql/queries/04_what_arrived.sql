-- Did every source arrive, and could it be read? / 各来源是否都已到达且可读？
SELECT source, state, lines, quarantined, round((100 * bad_ratio)::numeric, 2) AS bad_percent, reason
FROM biglog_report.coverage
WHERE date = coalesce(CAST(:date AS date), (SELECT max(date) FROM biglog_report.coverage))
ORDER BY state <> 'missing', state <> 'failed', source;
