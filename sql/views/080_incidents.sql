-- One row per night and incident: findings that belong together
CREATE VIEW biglog_report.incidents AS
SELECT date, incident_id, rank, title, severity,
       CASE WHEN severity >= 80 THEN 'critical' WHEN severity >= 60 THEN 'high'
            WHEN severity >= 40 THEN 'medium' ELSE 'low' END AS severity_name,
       state, day, services[1] AS service, services, hosts, started_at, ended_at,
       extract(epoch FROM ended_at - started_at)::double precision / 60 AS minutes,
       (SELECT count(*) FROM biglog.incident_finding f
        WHERE f.date = i.date AND f.incident_id = i.incident_id) AS findings,
       causes #>> '{0,reason}' AS cause, causes, factors, first_line, worst_line,
       mute ->> 'author' AS muted_by, mute ->> 'note' AS muted_because,
       array(SELECT one ->> 'service' FROM jsonb_array_elements(depending) WITH ORDINALITY
             AS d (one, position) ORDER BY position) AS depending
FROM biglog.incident i;

COMMENT ON VIEW biglog_report.incidents IS
    'One row per night and incident: findings that belong together / 每晚每个事件一行：相互关联的发现';
COMMENT ON COLUMN biglog_report.incidents.date IS 'The night / 夜间日期';
COMMENT ON COLUMN biglog_report.incidents.incident_id IS 'Its id / 事件编号';
COMMENT ON COLUMN biglog_report.incidents.rank IS '1 is the worst of the night / 排名，1 为当晚最严重';
COMMENT ON COLUMN biglog_report.incidents.title IS 'What happened / 标题';
COMMENT ON COLUMN biglog_report.incidents.severity IS '0 to 100 / 严重度，0 到 100';
COMMENT ON COLUMN biglog_report.incidents.severity_name IS 'low, medium, high (from 60) or critical (from 80) / low 低、medium 中、high 高（60 起）、critical 严重（80 起）';
COMMENT ON COLUMN biglog_report.incidents.state IS 'new, ongoing, returned, muted or resolved / new 新增、ongoing 持续、returned 复发、muted 已静默、resolved 已恢复';
COMMENT ON COLUMN biglog_report.incidents.day IS 'On which night in a row, from 1 / 连续第几晚，从 1 开始';
COMMENT ON COLUMN biglog_report.incidents.service IS 'Most likely place of the fault / 最可能的故障服务';
COMMENT ON COLUMN biglog_report.incidents.services IS 'Services touched, most likely first / 涉及的服务，最可能者在前';
COMMENT ON COLUMN biglog_report.incidents.hosts IS 'Hosts touched / 涉及的主机';
COMMENT ON COLUMN biglog_report.incidents.started_at IS 'Begin, UTC / 开始时间（UTC）';
COMMENT ON COLUMN biglog_report.incidents.ended_at IS 'End, UTC / 结束时间（UTC）';
COMMENT ON COLUMN biglog_report.incidents.minutes IS 'How long it lasted / 持续分钟数';
COMMENT ON COLUMN biglog_report.incidents.findings IS 'How many findings it holds / 包含的发现数';
COMMENT ON COLUMN biglog_report.incidents.cause IS 'Most likely cause, in words / 最可能原因';
COMMENT ON COLUMN biglog_report.incidents.causes IS 'All candidate causes with their evidence / 全部候选原因及证据';
COMMENT ON COLUMN biglog_report.incidents.factors IS 'What the severity is made of, each 0 to 1 / 严重度的构成，各 0 到 1';
COMMENT ON COLUMN biglog_report.incidents.first_line IS 'First unusual line, redacted / 首条异常日志（脱敏）';
COMMENT ON COLUMN biglog_report.incidents.worst_line IS 'Worst line, redacted / 最严重日志（脱敏）';
COMMENT ON COLUMN biglog_report.incidents.muted_by IS 'Who muted or dismissed it / 静默或驳回者';
COMMENT ON COLUMN biglog_report.incidents.muted_because IS 'Why / 原因';
COMMENT ON COLUMN biglog_report.incidents.depending IS 'Other services that depend on these, direct callers first / 依赖这些服务的其他服务，直接调用者在前';
