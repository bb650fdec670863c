-- One row per night and call: which service called which, and how sure that is
CREATE VIEW biglog_report.service_dependencies AS
SELECT date, caller, callee, confidence,
       array(SELECT jsonb_object_keys(ways) ORDER BY 1) AS ways,
       (SELECT sum((seen ->> 0)::bigint)::bigint FROM jsonb_each(ways) AS w (way, seen)) AS count,
       first_at, last_at
FROM biglog.dependency;

COMMENT ON VIEW biglog_report.service_dependencies IS
    'One row per night and call: which service called which, and how sure that is / 每晚每个调用关系一行：谁调用谁，以及可信度';
COMMENT ON COLUMN biglog_report.service_dependencies.date IS 'The night / 夜间日期';
COMMENT ON COLUMN biglog_report.service_dependencies.caller IS 'The service that depends on the other / 依赖对方的服务（调用方）';
COMMENT ON COLUMN biglog_report.service_dependencies.callee IS 'The service it calls / 被调用的服务';
COMMENT ON COLUMN biglog_report.service_dependencies.confidence IS 'How sure the call and its direction are, 0 to 1; from 0.5 on it counts / 调用及方向的可信度，0 到 1；0.5 起计入';
COMMENT ON COLUMN biglog_report.service_dependencies.ways IS 'How it is known: named, shared_id, trace, upstream / 依据：named 日志点名、shared_id 共用编号、trace 链路追踪、upstream 上游字段';
COMMENT ON COLUMN biglog_report.service_dependencies.count IS 'How often it was seen, all ways together / 各依据合计的出现次数';
COMMENT ON COLUMN biglog_report.service_dependencies.first_at IS 'First seen that night, UTC / 当晚首次出现时间（UTC）';
COMMENT ON COLUMN biglog_report.service_dependencies.last_at IS 'Last seen that night, UTC / 当晚末次出现时间（UTC）';
