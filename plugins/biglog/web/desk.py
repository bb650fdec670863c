"""What the pages and the API answer from: database, settings, encoder and index, opened once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from biglog import answers, installation
from biglog.errors import BadInput
from biglog.installation import Site
from biglog.knowledge.search import Index, search
from biglog.records import Encoder, Entry, Hit
from biglog.store import knowledge

log = logging.getLogger(__name__)


@dataclass
class Desk:
    """One process's view of BigLog. The index is made again when an entry changed."""

    open: Callable[[], Site]
    lock: threading.RLock = field(default_factory=threading.RLock)
    _site: Site | None = None
    _encoder: Encoder | None = None
    _no_encoder: str = ""
    _index: Index | None = None
    _seen: object = None

    @property
    def site(self) -> Site:
        with self.lock:
            if self._site is None:
                self._site = self.open()
            return self._site

    def encoder(self) -> Encoder | None:
        """The encoder, or None where it cannot be loaded: search then goes by words alone."""
        with self.lock:
            if self._encoder is None and not self._no_encoder:
                try:
                    self._encoder = installation.encoder(self.site.settings.encoder)
                except BadInput as error:
                    self._no_encoder = str(error)
                    log.warning("searching by words alone: %s", error)
            return self._encoder

    @property
    def degraded(self) -> str:
        """Why search goes by words alone; empty where it does not."""
        self.encoder()
        return self._no_encoder

    def index(self) -> Index:
        entries = knowledge.entries(self.site.engine, state="published")
        seen = tuple((one.entry_id, one.version) for one in entries)
        with self.lock:
            if self._index is None or seen != self._seen:
                self._index = answers.index_entries(self.site, entries, self.encoder())
                self._seen = seen
            return self._index

    def ask(self, question: str, top: int) -> tuple[Hit, ...]:
        return search(question, self.index(), encoder=self.encoder(), top=top)

    def save(self, entry: Entry, *, author: str, comment: str = "") -> Entry:
        """A new entry (never stored before) or the next version of one."""
        save = answers.save_words if self.encoder() is None else answers.save_entry
        return save(self.site, entry, author=author, comment=comment)

    def close(self) -> None:
        with self.lock:
            if self._site is not None:
                self._site.engine.dispose()
                self._site = None


def desk_of(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


AtDesk = Annotated[Desk, Depends(desk_of)]
