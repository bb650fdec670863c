"""What the API takes and gives, as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from biglog.records import Entry, Hit

QUERY = 2_000


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class EntryBody(Strict):
    """An entry as a person writes it."""

    title: str = Field(min_length=1, max_length=300)
    content: str = Field(min_length=1, max_length=200_000)
    category: str = Field("", max_length=100)
    tags: list[str] = Field(default_factory=list, max_length=30)
    state: Literal["draft", "published", "archived"] = "published"
    comment: str = Field("", max_length=500)


class SearchBody(Strict):
    query: str = Field(min_length=1, max_length=QUERY)
    top_k: int = Field(5, ge=1, le=50)


class MatchBody(Strict):
    text: str = Field(min_length=1, max_length=QUERY)
    threshold: float = Field(0.85, ge=0, le=1)
    limit: int = Field(20, ge=1, le=200)


class FeedbackBody(Strict):
    """What a person says about an incident; only a mute has an end."""

    incident_id: str = Field(min_length=1, max_length=64)
    kind: Literal["mute", "confirm", "dismiss", "note"]
    note: str = Field("", max_length=2_000)
    days: int | None = Field(None, ge=1, le=365)


def entry_json(entry: Entry) -> dict[str, Any]:
    return {"id": entry.entry_id, **{k: v for k, v in asdict(entry).items() if k != "entry_id"}}


def hit_json(hit: Hit) -> dict[str, Any]:
    return {
        "rank": hit.rank,
        "score": round(hit.score, 4),
        "id": hit.entry.entry_id,
        "title": hit.entry.title,
        "source": hit.entry.source,
        "category": hit.entry.category,
        "tags": list(hit.entry.tags),
        "excerpt": hit.excerpt,
        "matched": list(hit.matched),
    }
