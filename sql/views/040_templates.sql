-- One row per kind of line ever seen
CREATE VIEW biglog_report.templates AS
SELECT t.template_id, t.name, t.pattern, t.version, t.example, t.first_seen, t.last_seen,
       array(SELECT s.source FROM biglog.template_seen s
             WHERE s.template_id = t.template_id ORDER BY s.source) AS sources,
       t.state, t.pinned, t.merged_into, t.split_from, t.owner, t.note
FROM biglog.template t;

COMMENT ON VIEW biglog_report.templates IS
    'One row per kind of line ever seen / 每个出现过的日志模板一行';
COMMENT ON COLUMN biglog_report.templates.template_id IS 'Its id, for ever the same / 模板编号，永不改变';
COMMENT ON COLUMN biglog_report.templates.name IS 'What people call it, empty where they do not / 人工命名，未命名时为空';
COMMENT ON COLUMN biglog_report.templates.pattern IS 'The constant words, variables as <*> / 模板文本，变量写作 <*>';
COMMENT ON COLUMN biglog_report.templates.version IS 'How often the pattern has widened, from 1 / 模式版本，从 1 开始';
COMMENT ON COLUMN biglog_report.templates.example IS 'One redacted line / 一条脱敏示例';
COMMENT ON COLUMN biglog_report.templates.first_seen IS 'First night ever, any source / 首次出现的夜间日期（任一来源）';
COMMENT ON COLUMN biglog_report.templates.last_seen IS 'Latest night, any source / 最近出现的夜间日期（任一来源）';
COMMENT ON COLUMN biglog_report.templates.sources IS 'Sources it was seen in / 出现过的来源';
COMMENT ON COLUMN biglog_report.templates.state IS 'active, muted, retired or merged / active 活跃、muted 静默、retired 退役、merged 已合并';
COMMENT ON COLUMN biglog_report.templates.pinned IS 'A person fixed it: it is neither widened nor merged by itself / 已人工固定，不会自动放宽或合并';
COMMENT ON COLUMN biglog_report.templates.merged_into IS 'The elder template it points to when merged / 合并后指向的较早模板';
COMMENT ON COLUMN biglog_report.templates.split_from IS 'The template whose lines it takes its own from / 由哪个模板拆分而来';
COMMENT ON COLUMN biglog_report.templates.owner IS 'Who looks after it / 负责人';
COMMENT ON COLUMN biglog_report.templates.note IS 'What people wrote about it / 备注';
