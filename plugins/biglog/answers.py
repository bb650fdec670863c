"""What people ask of what is known: events like a line, runbooks for a question, a file judged.

The pages, the command line and the DAGs that are started by hand all come through here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biglog import lake, offline
from biglog.errors import BadInput
from biglog.installation import Site, encoder
from biglog.records import (
    Encoder,
    Entry,
    Hit,
    Incident,
    Match,
    Similar,
    Vectors,
    identify,
)
from biglog.settings import PROJECT

if TYPE_CHECKING:
    from biglog.knowledge.search import Index

STARTER_ENTRIES = PROJECT / "knowledge"
MAX_RUNBOOKS = 3
MAX_QUESTION = 2_000
LEAST_LIKELY = 0.5
"""A runbook is suggested where it is likelier right than wrong; see knowledge.search.likelihood."""

Ask = Callable[[str, int], tuple[Hit, ...]]


@dataclass(frozen=True, slots=True)
class Imported:
    """What importing a folder changed."""

    added: int
    changed: int
    same: int
    broken: tuple[str, ...]

    def __str__(self) -> str:
        words = f"{self.added} entries added, {self.changed} changed, {self.same} as they were"
        return "; not read: ".join([words, *self.broken])


def import_knowledge(site: Site, folder: Path) -> Imported:
    """Entries of a folder into the knowledge base, with what searching them needs.

    An entry whose text is as it was imported is left alone, so that this can be run every night.
    """
    from biglog.knowledge.read import fingerprint, read_all
    from biglog.store import knowledge

    found = read_all(folder)
    known = {one.entry_id: one for one in knowledge.entries(site.engine)}
    added = [one for one in found.entries if one.entry_id not in known]
    changed = [
        replace(one, version=known[one.entry_id].version)
        for one in found.entries
        if one.entry_id in known and fingerprint(one) != fingerprint(known[one.entry_id])
    ]
    for entry in added:
        index_entry(site, knowledge.create(site.engine, entry, comment="imported"))
    for entry in changed:
        index_entry(site, knowledge.update(site.engine, entry, comment="imported"))
    if added or changed:  # the encoder takes seconds to load; a usual call changes nothing
        embed_pieces(site)
    broken = tuple(f"{one.source} ({one.reason})" for one in found.broken)
    same = len(found.entries) - len(added) - len(changed)
    return Imported(len(added), len(changed), same, broken)


def save_entry(site: Site, entry: Entry, *, author: str = "", comment: str = "") -> Entry:
    """A new entry, or the next version of one, ready to be found by word and by meaning.

    Raises BadInput where somebody saved it since it was read.
    """
    saved = save_words(site, entry, author=author, comment=comment)
    embed_pieces(site)
    return saved


def save_words(site: Site, entry: Entry, *, author: str = "", comment: str = "") -> Entry:
    """As save_entry, to be found by word alone until its pieces are embedded."""
    from biglog.knowledge.tokens import language
    from biglog.store import knowledge

    full = replace(entry, language=entry.language or language(f"{entry.title}\n{entry.content}"))
    if entry.created_at:
        saved = knowledge.update(site.engine, full, author=author, comment=comment)
    else:
        entry_id = entry.entry_id or identify("entry", entry.title, entry.content)
        named = replace(full, entry_id=entry_id)
        saved = knowledge.create(site.engine, named, author=author, comment=comment)
    index_entry(site, saved)
    return saved


def index_entry(site: Site, entry: Entry) -> None:
    """The pieces of an entry, with their tokens, for searches in SQL."""
    from biglog.knowledge.chunks import chunks
    from biglog.knowledge.tokens import tokens
    from biglog.store import knowledge

    pieces = [knowledge.Chunk(one.text, tuple(tokens(one.text))) for one in chunks(entry)]
    knowledge.save_chunks(site.engine, entry.entry_id, pieces)


def embed_pieces(site: Site) -> None:
    """Vectors of pieces that have none under the model in use."""
    from biglog.store import knowledge

    embed_texts(site, list(knowledge.chunk_texts(site.engine).values()))


def embed_texts(site: Site, texts: Sequence[str]) -> int:
    """Vectors of the texts that have none yet; each batch is committed. Returns how many.

    A text without a word that the model knows gets none: one odd line must not stop a night.
    """
    from biglog.store import read, vector_index, write
    from biglog.vectors.distinct import embed_distinct, unknown

    model = encoder(site.settings.encoder)
    model_id, every = model.model_id, site.settings.embed.commit_every
    known = read.known_texts(site.engine, model_id)
    fresh = list(unknown(texts, known))
    legible = [one for one, ok in zip(fresh, model.readable(fresh), strict=True) if ok]
    vector_index.clear_way(site.engine, model_id, len(legible))
    return sum(
        write.save_vectors(site.engine, model_id, model.dim, batch)
        for batch in embed_distinct(legible, known, model.encode, batch=every)
    )


def asker(site: Site) -> Ask:
    """What answers questions from the published entries; made once, asked many times."""
    from biglog.knowledge.search import search
    from biglog.store import knowledge

    model = encoder(site.settings.encoder)
    index = index_entries(site, knowledge.entries(site.engine, state="published"), model)

    def ask(question: str, top: int) -> tuple[Hit, ...]:
        return search(question, index, encoder=model, top=top)

    return ask


def index_entries(site: Site, entries: Sequence[Entry], model: Encoder | None) -> Index:
    """The entries made ready to be asked, with the vectors the store has; without a model by
    words alone.
    """
    from biglog.knowledge.search import build_index
    from biglog.store import knowledge, read

    if model is None:
        return build_index(entries)
    texts = list(knowledge.chunk_texts(site.engine).values())
    vectors = read.text_vectors(site.engine, model.model_id, texts)
    return build_index(entries, encoder=model, vectors=vectors)


def runbooks(ask: Ask, incident: Incident) -> tuple[Similar, ...]:
    """The entries to open for an incident; none rather than a wrong one.

    Each of its lines is a question of its own: together they would thin each other's words out.
    """
    best: dict[str, Hit] = {}
    for question in dict.fromkeys((incident.worst_line, incident.first_line, incident.title)):
        for hit in ask(question[:MAX_QUESTION], MAX_RUNBOOKS) if question.strip() else ():
            known = best.get(hit.entry.entry_id)
            if known is None or hit.likelihood > known.likelihood:
                best[hit.entry.entry_id] = hit
    ranked = sorted(best.values(), key=lambda hit: (-hit.likelihood, hit.entry.entry_id))
    return tuple(
        Similar("knowledge", one.entry.entry_id, one.entry.title, one.likelihood, one.excerpt)
        for one in likely(ranked[:MAX_RUNBOOKS])
    )


def likely(hits: Iterable[Hit]) -> list[Hit]:
    """Those that are suggested unasked."""
    return [one for one in hits if one.likelihood >= LEAST_LIKELY]


def match(site: Site, text: str, *, threshold: float, limit: int) -> list[Match]:
    """Stored templates that say the same kind of thing as the text, best first."""
    from biglog.store import search

    model = encoder(site.settings.encoder)
    vector = model.encode([offline.mask_query(text)])[0]
    near = search.similar_templates(site.engine, model.model_id, vector, limit=limit)
    calibrated = [replace(one, similarity=likeness(model, one.similarity)) for one in near]
    return [one for one in calibrated if one.similarity >= threshold]


def likeness(model: Encoder, cosine: float) -> float:
    import numpy as np

    return round(float(model.similarity(np.array([cosine]))[0]), 4)


def incident_vectors(site: Site, incidents: Sequence[Incident]) -> dict[str, Vectors]:
    """By incident id, what its lines mean, their values masked as a template's are; none for an
    incident of which the model knows no word.
    """
    texts = {one.incident_id: masked_lines(one) for one in incidents}
    rows = offline.readable(encoder(site.settings.encoder), list(texts.values()))
    return {key: rows[text] for key, text in texts.items() if text in rows}


def masked_lines(incident: Incident) -> str:
    lines = dict.fromkeys((incident.first_line, incident.worst_line))
    said = [line for line in lines if line.strip()] or [incident.title]
    return " ".join(offline.mask_query(line) for line in said)


# What the DAGs that are started by hand, or weekly, ask for.


def answer(name: str, site: Site, form: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to one request, as plain values. Raises BadInput for a wrong form."""
    if name not in ANSWERS:
        raise BadInput(f"no request {name!r}; there are: {', '.join(ANSWERS)}")
    return ANSWERS[name](site, form)


def answer_match(site: Site, form: Mapping[str, Any]) -> dict[str, Any]:
    found = match(site, form["text"], threshold=form["threshold"], limit=form["limit"])
    path = site.settings.home / "matches" / f"{identify(form['text'])}.json"
    lake.write_json(path, list[Match], found)
    return {"matches": len(found), "path": str(path), "best": found[0].content if found else ""}


def answer_import(site: Site, form: Mapping[str, Any]) -> dict[str, Any]:
    folder = Path(form["folder"]) if form["folder"] else STARTER_ENTRIES
    return asdict(import_knowledge(site, folder))


def answer_upload(site: Site, form: Mapping[str, Any]) -> dict[str, Any]:
    """Judge one uploaded file and leave the result beside it."""
    from biglog.uploads import analyse

    return analyse(site, upload_path(site, form["path"]), form["format"])


def upload_path(site: Site, given: str) -> Path:
    """The file meant, which must lie under ``uploads/`` of the home, links followed."""
    folder = (site.settings.home / "uploads").resolve()
    path = (folder / given).resolve()
    if not given or folder not in path.parents:
        raise BadInput(f"{given!r} is not a file under {folder}; put the file there first")
    return path


def answer_backup(site: Site, _: Mapping[str, Any]) -> dict[str, Any]:
    """A backup that has been restored once, so that it is known to be one."""
    from biglog.store import backup

    path = site.settings.home / "backups" / f"{datetime.now(UTC):%Y-%m-%d}.dump"
    size = backup.backup(site.engine.url.render_as_string(hide_password=False), path)
    rows = backup.prove(site.engine, path)
    return {"path": str(path), "bytes": size, "rows": sum(rows.values())}


def answer_forget(site: Site, form: Mapping[str, Any]) -> dict[str, Any]:
    from biglog.store import backup

    today = f"{datetime.now(UTC):%Y-%m-%d}"
    return dict(backup.retention(site.engine, int(form["keep_days"]), today=today))


ANSWERS: dict[str, Callable[[Site, Mapping[str, Any]], dict[str, Any]]] = {
    "match_events": answer_match,
    "knowledge_base": answer_import,
    "analyse_upload": answer_upload,
    "backup": answer_backup,
    "forget": answer_forget,
}
