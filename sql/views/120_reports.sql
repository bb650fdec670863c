-- One row per night and language: the rendered report
CREATE VIEW biglog_report.reports AS
SELECT r.date, r.locale, r.path, r.sha256, r.bytes, r.rendered_at,
       (SELECT count(*) FROM biglog.delivery d
        WHERE d.partition = r.date::text AND d.sent_at IS NOT NULL) AS mails_sent
FROM biglog.report r;

COMMENT ON VIEW biglog_report.reports IS
    'One row per night and language: the rendered report / 每晚每种语言的报告一行';
COMMENT ON COLUMN biglog_report.reports.date IS 'The night / 夜间日期';
COMMENT ON COLUMN biglog_report.reports.locale IS 'Language of the page / 页面语言';
COMMENT ON COLUMN biglog_report.reports.path IS 'Where the file lies / 文件位置';
COMMENT ON COLUMN biglog_report.reports.sha256 IS 'Hash of the file / 文件哈希';
COMMENT ON COLUMN biglog_report.reports.bytes IS 'Size of the file / 文件大小';
COMMENT ON COLUMN biglog_report.reports.rendered_at IS 'When it was made / 生成时间';
COMMENT ON COLUMN biglog_report.reports.mails_sent IS 'Mails sent for that night / 当晚已发送邮件数';
