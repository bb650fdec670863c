"""What people judged of earlier nights, with the findings that each verdict is about."""

from __future__ import annotations

from itertools import groupby

from sqlalchemy import Engine

from biglog.records import Finding, Verdict
from biglog.store.read import FINDING, end_of, rows

REMEMBERED = 365
"""Days for which a verdict counts."""
# A verdict is on the latest night of its subject that was over when it was given. What is said of
# one night again takes the place of what was said before; what was withdrawn was never said.
SAID = """
WITH word AS (
    SELECT feedback_id, kind AS said, target, target_id, created_at AS given_at,
           CASE target
               WHEN 'incident' THEN (
                   SELECT max(i.date) FROM biglog.incident i
                   WHERE i.incident_id = target_id AND i.state <> 'resolved'
                     AND i.date < CAST(:date AS date)
                     AND i.date <= (f.created_at AT TIME ZONE 'UTC')::date)
               ELSE (
                   SELECT max(n.date) FROM biglog.finding n
                   WHERE n.template_id = target_id AND n.date < CAST(:date AS date)
                     AND n.date <= (f.created_at AT TIME ZONE 'UTC')::date)
           END AS night
    FROM biglog.feedback f
    WHERE kind IN ('confirm', 'dismiss') AND created_at < :until
      AND created_at >= CAST(:until AS timestamptz) - make_interval(days => :days)
      AND (withdrawn_at IS NULL OR withdrawn_at >= :until)
), last_word AS (
    SELECT DISTINCT ON (target, target_id, night) * FROM word WHERE night IS NOT NULL
    ORDER BY target, target_id, night, given_at DESC, feedback_id DESC
)
"""
OWN = """
    AND (w.target = 'template' AND n.template_id = w.target_id
         OR w.target = 'incident' AND EXISTS (
             SELECT FROM biglog.incident_finding m
             WHERE m.date = n.date AND m.finding_id = n.finding_id
               AND m.incident_id = w.target_id))
"""
HEAD = ("feedback_id", "said", "given_at", "night")
QUERY = (
    f"{SAID} SELECT w.feedback_id, w.said, w.given_at, w.night::text AS night, {FINDING}"
    f" FROM last_word w JOIN biglog.finding n ON n.date = w.night {OWN}"
    " ORDER BY w.given_at, w.feedback_id, n.position, n.finding_id"
)


def verdicts_before(engine: Engine, date: str) -> tuple[Verdict, ...]:
    """The verdicts as they stood when the date ended (UTC), on nights before it; oldest first.

    What was given or withdrawn later is not known here, so a night that is run again is judged by
    what was known then, whenever it runs.
    """
    with engine.connect() as connection:
        found = rows(connection, QUERY, date=date, until=end_of(date), days=REMEMBERED)
    return tuple(
        Verdict(**dict(zip(HEAD, head, strict=True)), findings=tuple(map(finding, own)))
        for head, own in groupby(found, key=lambda one: tuple(one[name] for name in HEAD))
    )


def finding(row: dict[str, object]) -> Finding:
    return Finding(**{name: value for name, value in row.items() if name not in HEAD})  # type: ignore[arg-type]
