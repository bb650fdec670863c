-- One row per anomaly of a metric and template whose lines came far more often meanwhile
CREATE VIEW biglog_report.metric_templates AS
SELECT date, source, series, at, template_id, coalesce(pattern, '') AS pattern, lines, usual, spells, rises, chance
FROM biglog.metric_template LEFT JOIN biglog.template USING (template_id);

COMMENT ON VIEW biglog_report.metric_templates IS
    'One row per anomaly of a metric and template whose lines came far more often meanwhile / 每个指标异常与其间明显增多的模板一行';
COMMENT ON COLUMN biglog_report.metric_templates.date IS 'The night / 夜间日期';
COMMENT ON COLUMN biglog_report.metric_templates.source IS 'Its [[metrics]] in sources.toml / sources.toml 中的 [[metrics]] 名';
COMMENT ON COLUMN biglog_report.metric_templates.series IS 'Name of the series / 序列名';
COMMENT ON COLUMN biglog_report.metric_templates.at IS 'Peak of the anomaly, UTC / 异常峰值时间（UTC）';
COMMENT ON COLUMN biglog_report.metric_templates.template_id IS 'The template / 模板编号';
COMMENT ON COLUMN biglog_report.metric_templates.pattern IS 'Its text with <*> for what varies / 模板文本，<*> 为可变部分';
COMMENT ON COLUMN biglog_report.metric_templates.lines IS 'Lines while the metric was odd, to ten minutes / 异常期间的行数（按十分钟计）';
COMMENT ON COLUMN biglog_report.metric_templates.usual IS 'Median of as long a time elsewhere / 其他同样长时段的中位数';
COMMENT ON COLUMN biglog_report.metric_templates.spells IS 'Odd spells of the series that were looked at, in earlier nights too / 所考察的该序列异常次数（含此前各晚）';
COMMENT ON COLUMN biglog_report.metric_templates.rises IS 'Spells in which more of these lines came / 其中该模板增多的次数';
COMMENT ON COLUMN biglog_report.metric_templates.chance IS 'Probability of this by chance, before many templates are allowed for / 纯属偶然的概率（未作多重比较校正）';
