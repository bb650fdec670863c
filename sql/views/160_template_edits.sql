-- One row per change of the catalogue, by a person or by the miner
CREATE VIEW biglog_report.template_edits AS
SELECT e.edit_id, e.edited_at, e.author, e.action, e.template_id, t.pattern, e.detail,
       EXISTS (SELECT FROM biglog.template_edit u WHERE u.undoes = e.edit_id) AS undone
FROM biglog.template_edit e
JOIN biglog.template t USING (template_id);

COMMENT ON VIEW biglog_report.template_edits IS
    'One row per change of the catalogue, by a person or by the miner / 模板目录的每次修改一行（人工或自动）';
COMMENT ON COLUMN biglog_report.template_edits.edit_id IS 'Its number, rising with time / 修改序号，随时间递增';
COMMENT ON COLUMN biglog_report.template_edits.edited_at IS 'When, UTC / 修改时间（UTC）';
COMMENT ON COLUMN biglog_report.template_edits.author IS 'Who; biglog where the miner found two to be one / 修改人，自动合并时为 biglog';
COMMENT ON COLUMN biglog_report.template_edits.action IS 'rename, pin, unpin, merge, split or undo / rename 改名、pin 固定、unpin 取消固定、merge 合并、split 拆分、undo 撤销';
COMMENT ON COLUMN biglog_report.template_edits.template_id IS 'Kind of line / 模板编号';
COMMENT ON COLUMN biglog_report.template_edits.pattern IS 'The template as it is now / 模板当前文本';
COMMENT ON COLUMN biglog_report.template_edits.detail IS 'The new name, the template merged into, how it was split / 修改内容：新名称、合并目标、拆分方式';
COMMENT ON COLUMN biglog_report.template_edits.undone IS 'It was taken back later / 后来已被撤销';
