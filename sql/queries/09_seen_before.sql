-- What in the past was like the incidents of the night? / 当晚的事件与过去哪些情况相似？
SELECT i.rank, i.title, s.kind, s.title AS similar_to, s.event_date,
       round(s.similarity::numeric, 2) AS similarity, s.detail
FROM biglog_report.incidents i
JOIN biglog_report.similar_events s USING (date, incident_id)
WHERE i.date = coalesce(CAST(:date AS date), (SELECT max(date) FROM biglog_report.coverage))
ORDER BY i.rank, s.similarity DESC;
