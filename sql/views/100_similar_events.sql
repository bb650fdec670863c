-- One row per incident and something alike from the past
CREATE VIEW biglog_report.similar_events AS
SELECT i.date, i.incident_id, e.position, e.one ->> 'kind' AS kind, e.one ->> 'ref' AS ref,
       e.one ->> 'title' AS title, (e.one ->> 'similarity')::double precision AS similarity,
       e.one ->> 'detail' AS detail, e.one ->> 'date' AS event_date
FROM biglog.incident i
CROSS JOIN LATERAL jsonb_array_elements(i.similar_events || i.runbooks)
    WITH ORDINALITY AS e (one, position);

COMMENT ON VIEW biglog_report.similar_events IS
    'One row per incident and something alike from the past / 每个事件与一个相似的历史事件或知识条目一行';
COMMENT ON COLUMN biglog_report.similar_events.date IS 'The night / 夜间日期';
COMMENT ON COLUMN biglog_report.similar_events.incident_id IS 'The incident / 事件编号';
COMMENT ON COLUMN biglog_report.similar_events.position IS 'Order, from 1 / 次序，从 1 开始';
COMMENT ON COLUMN biglog_report.similar_events.kind IS 'incident, knowledge or event / incident 事件、knowledge 知识、event 日志';
COMMENT ON COLUMN biglog_report.similar_events.ref IS 'Id of what is alike / 相似对象编号';
COMMENT ON COLUMN biglog_report.similar_events.title IS 'Its title / 其标题';
COMMENT ON COLUMN biglog_report.similar_events.similarity IS 'How alike, 0 to 1; of knowledge, how likely it fits / 相似度，0 到 1；知识条目则为适用的可能性';
COMMENT ON COLUMN biglog_report.similar_events.detail IS 'Why it is alike / 相似说明';
COMMENT ON COLUMN biglog_report.similar_events.event_date IS 'Its night, empty for knowledge / 其日期，知识条目为空';
