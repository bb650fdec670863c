"""What BigLog uses of Elasticsearch's and OpenSearch's search API, simulated.

Points in time, search_after and errors take the documented form; shards, analysis and scoring are
left out. Each point in time numbers its documents anew, as other shard copies do.
"""

import random
from datetime import UTC, datetime
from urllib.parse import unquote

from simulated import Answer, SimulatedServer

BUSY = Answer(
    {"error": {"type": "es_rejected_execution_exception"}, "status": 429}, 429, {"Retry-After": "7"}
)
AWAY = Answer("<html>no backend</html>", 503)
PROXY = Answer("<html>please log in</html>")
EXPIRED = Answer(
    {
        "error": {
            "root_cause": [
                {"type": "search_context_missing_exception", "reason": "No search context found"}
            ],
            "type": "search_phase_execution_exception",
            "reason": "all shards failed",
        },
        "status": 404,
    },
    404,
)
FORBIDDEN = Answer({"error": {"type": "security_exception", "reason": "no"}, "status": 403}, 403)


def partial(true):
    """A fault: one shard is silent, and the hits of the others are given all the same."""
    failure = {"shard": 1, "reason": {"type": "node_disconnected_exception", "reason": "gone"}}
    shards = {"total": 3, "successful": 2, "failed": 1, "failures": [failure]}
    few = true.body["hits"]["hits"][::2]
    return Answer({**true.body, "_shards": shards, "hits": {"hits": few}})


def shard_expired(true):
    """A fault: the context is missing on one shard only, with status 200."""
    failure = {"shard": 0, "reason": {"type": "search_context_missing_exception"}}
    shards = {"total": 3, "successful": 2, "failed": 1, "failures": [failure]}
    return Answer({**true.body, "_shards": shards, "hits": {"hits": []}})


def timed_out(true):
    return Answer({**true.body, "timed_out": True, "hits": {"hits": true.body["hits"]["hits"][:1]}})


class SimulatedElasticsearch(SimulatedServer):
    """Documents are (index, id, source) triples; faults are numbered by searches."""

    def __init__(self, documents, *, opensearch=False):
        super().__init__()
        self.documents = documents
        self.opensearch = opensearch
        self.points = {}
        self.opened = 0

    def counts(self, asked):
        return asked.path == "/_search"

    def answer(self, asked):
        opening = "/_search/point_in_time" if self.opensearch else "/_pit"
        if asked.method == "POST" and asked.path == "/_search":
            return self.search(asked.body)
        if asked.method == "POST" and asked.path.endswith(opening):
            return self.open(unquote(asked.path.removesuffix(opening).strip("/")))
        if asked.method == "DELETE" and asked.path == opening:
            return self.close(asked.body)
        return Answer({"error": f"no handler found for {asked.path}", "status": 400}, 400)

    def open(self, index):
        found = [one for one in self.documents if one[0].startswith(index.rstrip("*"))]
        if not found and "*" not in index:
            reason = f"no such index [{index}]"
            error = {"type": "index_not_found_exception", "reason": reason}
            return Answer({"error": {**error, "root_cause": [error]}, "status": 404}, 404)
        self.opened += 1
        name = f"point{self.opened}"
        numbers = random.Random(self.opened).sample(range(len(found)), len(found))
        self.points[name] = list(zip(found, numbers, strict=True))
        return Answer({"pit_id" if self.opensearch else "id": name, "_shards": {"failed": 0}})

    def close(self, body):
        names = body["pit_id"] if self.opensearch else [body["id"]]
        for name in names:
            self.points.pop(name, None)
        return Answer({"succeeded": True})

    def search(self, body):
        if body["pit"]["id"] not in self.points:
            return EXPIRED
        (clause, *more) = body["query"]["bool"]["filter"]
        wanted = clause["range"]["@timestamp"]
        assert wanted["format"] == "strict_date_optional_time_nanos"
        start, end = nanos(wanted["gte"]), nanos(wanted["lt"])
        words = [one["query_string"]["query"] for one in more]
        rows = []
        for (index, key, source), number in self.points[body["pit"]["id"]]:
            at = nanos(source["@timestamp"])
            values = {"@timestamp": at, "_shard_doc": number, "_id": key, "_index": index}
            if start <= at < end and all(one in source["message"] for one in words):
                sort = [values[name] for entry in body["sort"] for name in entry]
                rows.append({"_index": index, "_id": key, "_source": source, "sort": sort})
        rows.sort(key=lambda row: row["sort"])
        after = body.get("search_after")
        rows = [row for row in rows if after is None or row["sort"] > after]
        shards = {"total": 3, "successful": 3, "failed": 0}
        hits = {"hits": rows[: body["size"]]}
        pit = body["pit"]["id"]
        return Answer({"pit_id": pit, "timed_out": False, "_shards": shards, "hits": hits})


def nanos(text):
    whole, _, fraction = text.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp())
    return seconds * 10**9 + int(fraction.ljust(9, "0") or 0)
