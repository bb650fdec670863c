"""A first knowledge entry written from an incident, for a person to finish."""

from __future__ import annotations

from biglog.knowledge.tokens import language
from biglog.records import Entry, Incident, identify

HEADINGS = {
    "zh": ("现象", "证据", "可能原因", "处理步骤", "预防"),
    "en": ("Symptoms", "Evidence", "Likely cause", "Steps", "Prevention"),
}
TO_FILL = {
    "zh": "（待补充：实际处理的步骤与命令）",
    "en": "(to be written: what was done, with commands)",
}


def draft(incident: Incident, *, locale: str = "zh") -> Entry:
    """A draft with the incident's exact error lines; the same incident gives the same entry."""
    symptoms, evidence, cause, steps, prevention = HEADINGS[locale]
    content = "\n\n".join(
        (
            f"## {symptoms}\n\n{quoted(incident.first_line, incident.worst_line)}",
            f"## {evidence}\n\n{facts(incident)}",
            f"## {cause}\n\n{causes(incident) or TO_FILL[locale]}",
            f"## {steps}\n\n{TO_FILL[locale]}",
            f"## {prevention}\n\n{TO_FILL[locale]}",
        )
    )
    return Entry(
        entry_id=draft_id(incident.incident_id),
        title=incident.title,
        content=content,
        category="incident",
        tags=tuple(dict.fromkeys((*incident.services, *incident.hosts))),
        source="incident",
        language=language(incident.title + content),
        state="draft",
    )


def draft_id(incident_id: str) -> str:
    return identify("draft", incident_id)


def quoted(*lines: str) -> str:
    """Log lines as indented code: nothing in them can become Markdown or close a fence."""
    said = dict.fromkeys(line for line in lines if line.strip())
    return "\n\n".join("    " + " ".join(line.split()) for line in said)


def facts(incident: Incident) -> str:
    span = f"{incident.started_at:%Y-%m-%d %H:%M} – {incident.ended_at:%H:%M} UTC"
    rows = [
        f"- {incident.date}, {span}, severity {incident.severity}, {incident.state}",
        f"- {len(incident.finding_ids)} findings, incident {incident.incident_id}",
    ]
    if places := ", ".join((*incident.services, *incident.hosts)):
        rows.append(f"- {places}")
    return "\n".join(rows)


def causes(incident: Incident) -> str:
    return "\n".join(
        f"- {cause.service or cause.host}: {cause.reason} ({cause.confidence:.0%})"
        for cause in incident.causes
    )
