-- One row per night and template on its map; near means alike
CREATE VIEW biglog_report.cluster_map AS
SELECT m.date, m.template_id, t.pattern, m.x, m.y, m.lines, c.label, c.title, c.identity
FROM biglog.cluster_map m
LEFT JOIN biglog.template t ON t.template_id = m.template_id
LEFT JOIN biglog.cluster c ON c.date = m.date AND c.label = m.label;

COMMENT ON VIEW biglog_report.cluster_map IS
    'One row per night and template on its map; near means alike / 每晚语义地图上每个模板一行，相近即相似';
COMMENT ON COLUMN biglog_report.cluster_map.date IS 'The night / 夜间日期';
COMMENT ON COLUMN biglog_report.cluster_map.template_id IS 'The template / 模板';
COMMENT ON COLUMN biglog_report.cluster_map.pattern IS 'Its pattern / 模板文本';
COMMENT ON COLUMN biglog_report.cluster_map.x IS 'From -1 on the left to 1; only nearness has a meaning / 横坐标，-1 到 1；只有远近有意义';
COMMENT ON COLUMN biglog_report.cluster_map.y IS 'From -1 at the bottom to 1; likewise / 纵坐标，-1 到 1；同上';
COMMENT ON COLUMN biglog_report.cluster_map.lines IS 'Its lines that night / 当晚行数';
COMMENT ON COLUMN biglog_report.cluster_map.label IS 'Its cluster within the night, null where it is alone / 当晚所属簇编号，独立则为空';
COMMENT ON COLUMN biglog_report.cluster_map.title IS 'What the templates of its cluster have in common / 该簇的共同点';
COMMENT ON COLUMN biglog_report.cluster_map.identity IS 'The cluster, the same on every night on which it carries on / 跨夜不变的簇标识';
