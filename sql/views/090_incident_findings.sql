-- One row per incident and finding that belongs to it
CREATE VIEW biglog_report.incident_findings AS
SELECT l.date, l.incident_id, l.position, l.finding_id, f.kind, f.service, f.host, f.template_id,
       f.score, f.reason
FROM biglog.incident_finding l
LEFT JOIN biglog.finding f USING (date, finding_id);

COMMENT ON VIEW biglog_report.incident_findings IS
    'One row per incident and finding that belongs to it / 每个事件与其包含的发现一行';
COMMENT ON COLUMN biglog_report.incident_findings.date IS 'The night / 夜间日期';
COMMENT ON COLUMN biglog_report.incident_findings.incident_id IS 'The incident / 事件编号';
COMMENT ON COLUMN biglog_report.incident_findings.position IS 'Order within the incident; 0 is the one that its title tells of / 在事件中的次序，0 为标题所述';
COMMENT ON COLUMN biglog_report.incident_findings.finding_id IS 'The finding / 发现编号';
COMMENT ON COLUMN biglog_report.incident_findings.kind IS 'Kind of the finding / 发现类型';
COMMENT ON COLUMN biglog_report.incident_findings.service IS 'Service of the finding / 发现所属服务';
COMMENT ON COLUMN biglog_report.incident_findings.host IS 'Host of the finding / 发现所属主机';
COMMENT ON COLUMN biglog_report.incident_findings.template_id IS 'Kind of line / 模板编号';
COMMENT ON COLUMN biglog_report.incident_findings.score IS 'How odd, 0 to 1 / 异常程度，0 到 1';
COMMENT ON COLUMN biglog_report.incident_findings.reason IS 'Why, in one sentence / 一句话原因';
