-- One row per night and thing that was new, odd or missing
CREATE VIEW biglog_report.findings AS
SELECT f.date, f.finding_id, f.kind, f.source, f.service, f.host, f.template_id, t.pattern, f.level,
       f.started_at, f.ended_at, f.score, f.count AS lines, f.expected AS expected_lines, f.reason,
       f.evidence, f.example,
       (SELECT i.incident_id FROM biglog.incident_finding i
        WHERE i.date = f.date AND i.finding_id = f.finding_id
        ORDER BY i.incident_id LIMIT 1) AS incident_id
FROM biglog.finding f
LEFT JOIN biglog.template t USING (template_id);

COMMENT ON VIEW biglog_report.findings IS
    'One row per night and thing that was new, odd or missing / 每晚每个新增、异常或消失的发现一行';
COMMENT ON COLUMN biglog_report.findings.date IS 'The night / 夜间日期';
COMMENT ON COLUMN biglog_report.findings.finding_id IS 'Its id / 发现编号';
COMMENT ON COLUMN biglog_report.findings.kind IS 'new_template, returned_template, stopped_template, rate_up, rate_down, silence, distant, value_up, value_down or new_value / 类型：新增、复现、消失、激增、骤减、静默、语义偏离、数值偏高、数值偏低、新取值';
COMMENT ON COLUMN biglog_report.findings.source IS 'Where the lines came from / 日志来源';
COMMENT ON COLUMN biglog_report.findings.service IS 'Service, empty where unknown / 服务，未知时为空';
COMMENT ON COLUMN biglog_report.findings.host IS 'Host, empty where it is about all / 主机，涉及全部时为空';
COMMENT ON COLUMN biglog_report.findings.template_id IS 'Kind of line, empty where it is about more / 模板编号，范围更大时为空';
COMMENT ON COLUMN biglog_report.findings.pattern IS 'Its pattern / 模板文本';
COMMENT ON COLUMN biglog_report.findings.level IS 'Severity of its lines / 日志级别';
COMMENT ON COLUMN biglog_report.findings.started_at IS 'Begin, UTC / 开始时间（UTC）';
COMMENT ON COLUMN biglog_report.findings.ended_at IS 'End, UTC / 结束时间（UTC）';
COMMENT ON COLUMN biglog_report.findings.score IS 'How odd, 0 to 1 / 异常程度，0 到 1';
COMMENT ON COLUMN biglog_report.findings.lines IS 'Lines seen in that time / 该时段实际行数';
COMMENT ON COLUMN biglog_report.findings.expected_lines IS 'Lines that earlier nights led us to expect / 按历史预期的行数';
COMMENT ON COLUMN biglog_report.findings.reason IS 'Why, in one sentence / 一句话原因';
COMMENT ON COLUMN biglog_report.findings.evidence IS 'The numbers behind the reason / 原因背后的数据';
COMMENT ON COLUMN biglog_report.findings.example IS 'One redacted line / 一条脱敏示例';
COMMENT ON COLUMN biglog_report.findings.incident_id IS 'The incident it belongs to, if any / 所属事件，可为空';
