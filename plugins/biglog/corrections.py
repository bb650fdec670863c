"""What a person changes in the catalogue of templates; the nights that follow honour it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from biglog import lake
from biglog.errors import BadInput
from biglog.records import Template
from biglog.store import read, templates, write
from biglog.store.templates import Change, Edit
from biglog.templates import correct

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from biglog.installation import Site

FEW = 10
"""So many values a split by values is for; more need patterns."""


def rename(engine: Engine, template_id: str, name: str, author: str) -> None:
    """Give it a name beside its pattern; an empty one takes the name away."""
    with write.catalogue_lock(engine):
        one = templates.find(engine, template_id)
        changes = {one.template_id: {"name": " ".join(name.split())}}
        templates.save(engine, Change("rename", one.template_id, name, changes), author)


def pin(engine: Engine, template_id: str, author: str, *, pinned: bool = True) -> None:
    """The miner shall not widen it or merge it; or, unpinned, may again."""
    with write.catalogue_lock(engine):
        one = active(engine, template_id)
        if one.pinned != pinned:
            changes = {template_id: {"pinned": pinned}}
            action = "pin" if pinned else "unpin"
            templates.save(engine, Change(action, template_id, "", changes), author)


def merge(
    engine: Engine, template_id: str, into: str, author: str, *, wanted: str = ""
) -> Template:
    """From now on the first one's lines are the other's; returns that one as it is then."""
    with write.catalogue_lock(engine):
        younger, elder = active(engine, template_id), active(engine, into)
        if younger.template_id == elder.template_id:
            raise BadInput(f"got {into} twice, expected two templates; name another to merge it in")
        joined = correct.join(elder, younger, wanted)
        gone = {"state": "merged", "merged_into": into}
        others = {key: {"merged_into": into} for key in templates.merged(engine, template_id)}
        changes = {
            template_id: {**gone, "pinned": True},
            into: templates.pattern_columns(joined),
            **others,
        }
        templates.save(engine, Change("merge", template_id, f"into {into}", changes), author)
        return joined


def split(
    engine: Engine, template_id: str, author: str, *, slot: int = 0, patterns: Sequence[str] = ()
) -> tuple[Template, ...]:
    """Give lines that fit a narrower pattern a template of their own; returns those templates.

    With a slot, one for each value that was seen under that wildcard.
    """
    with write.catalogue_lock(engine):
        one = active(engine, template_id)
        if bool(slot) == bool(patterns):
            raise BadInput(
                "got both --at and --pattern; give one" if slot else "give --at N or --pattern TEXT"
            )
        wanted = patterns or correct.part_patterns(one, slot, seen(engine, one, slot))
        parts = correct.split(one, wanted)
        detail = f"at {slot}" if slot else f"by {len(parts)} patterns"
        changes = {template_id: {"pinned": True}}
        templates.save(engine, Change("split", template_id, detail, changes, parts), author)
        return parts


def seen(engine: Engine, one: Template, slot: int) -> tuple[str, ...]:
    """The values that stood under a wildcard. Raises BadInput for none and for too many."""
    correct.part_patterns(one, slot, ())
    found = [each for each in read.variables(engine, one.template_id) if each.slot == slot]
    most = max((each.distinct for each in found), default=0)
    if not found or most > FEW:
        raise BadInput(
            f"wildcard {slot} of {one.template_id} had {most or 'no'} values, expected 1 to {FEW}; "
            "give the wanted ones with --pattern"
        )
    return tuple(sorted({value for each in found for value, _ in each.top if value}))


def active(engine: Engine, template_id: str) -> Template:
    """Raises BadInput for a template that is not there or was merged."""
    one = templates.find(engine, template_id)
    if one.merged_into:
        raise BadInput(
            f"{template_id} was merged into {one.merged_into}; use that one, or undo the merge"
        )
    return one


def undo(engine: Engine, template_id: str, author: str) -> Edit:
    """Take back the latest change of the template; returns it."""
    with write.catalogue_lock(engine):
        return templates.undo(engine, template_id, author)


def recount(site: Site, template_id: str) -> int:
    """Parse again, by the catalogue as it is now, every kept partition that had the template;
    returns how many. Without it the parts of a split look new on their first night.
    """
    from biglog import pipeline

    base = site.settings.lake
    found = templates.partitions(site.engine, template_id)
    kept = [(source, date) for source, date in found if lake.parts(base, source, date)]
    for source, date in kept:
        pipeline.parse(site, date, source)
    return len(kept)
