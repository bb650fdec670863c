-- One row per night, source, template and wildcard: what stood there
CREATE VIEW biglog_report.template_variables AS
SELECT v.date, v.source, v.template_id, t.pattern, v.slot, v.kind, v.values, v.distinct_values,
       v.top_values, v.unit, v.numbers, v.minimum, v.maximum, v.mean, v.p50, v.p95, v.p99
FROM biglog.template_variable v
LEFT JOIN biglog.template t USING (template_id);

COMMENT ON VIEW biglog_report.template_variables IS
    'One row per night, source, template and wildcard: what stood there / 每晚每个来源、模板、变量位置一行：变量的取值';
COMMENT ON COLUMN biglog_report.template_variables.date IS 'The night / 夜间日期';
COMMENT ON COLUMN biglog_report.template_variables.source IS 'Where the lines came from / 日志来源';
COMMENT ON COLUMN biglog_report.template_variables.template_id IS 'Kind of line / 模板编号';
COMMENT ON COLUMN biglog_report.template_variables.pattern IS 'The template as it is now / 模板当前文本';
COMMENT ON COLUMN biglog_report.template_variables.slot IS 'Which <*> of the pattern, from 1 / 第几个 <*>，从 1 开始';
COMMENT ON COLUMN biglog_report.template_variables.kind IS 'number, duration, size, ip, port, path, url, id, hex, time, user, quoted, boolean, json, host, email, redacted, word or mixed / 取值类型：数字、时长、大小、IP、端口、路径、网址、编号、十六进制、时间、用户、引号文本、布尔、JSON、主机、邮箱、脱敏、单词、混合';
COMMENT ON COLUMN biglog_report.template_variables.values IS 'How many values, one a line / 取值个数，每行一个';
COMMENT ON COLUMN biglog_report.template_variables.distinct_values IS 'How many different ones / 不同取值的个数';
COMMENT ON COLUMN biglog_report.template_variables.top_values IS 'Up to ten, the most frequent first, as [value, lines] / 最常见的至多十个取值及其行数';
COMMENT ON COLUMN biglog_report.template_variables.unit IS 'Of the columns that follow: s, byte, %, or empty as written / 以下数值的单位：s 秒、byte 字节、%，空为原样';
COMMENT ON COLUMN biglog_report.template_variables.numbers IS 'How many values are numbers, sizes or durations / 其中可作数值的个数';
COMMENT ON COLUMN biglog_report.template_variables.minimum IS 'The smallest / 最小值';
COMMENT ON COLUMN biglog_report.template_variables.maximum IS 'The largest / 最大值';
COMMENT ON COLUMN biglog_report.template_variables.mean IS 'Their mean / 平均值';
COMMENT ON COLUMN biglog_report.template_variables.p50 IS 'Half of them are at most this / 中位数';
COMMENT ON COLUMN biglog_report.template_variables.p95 IS '95 % of them are at most this / 95 分位数';
COMMENT ON COLUMN biglog_report.template_variables.p99 IS '99 % of them are at most this / 99 分位数';
