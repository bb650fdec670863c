"""What BigLog uses of Loki's query_range, simulated: its pages, its limits and its refusals."""

from simulated import Answer, SimulatedServer

BUSY = Answer("too many outstanding requests", 429)
AWAY = Answer("empty ring", 500)
TENANT = Answer("no org id", 401)


class SimulatedLoki(SimulatedServer):
    """Entries are (labels, nanoseconds, line), in the order in which they were pushed."""

    def __init__(self, entries, *, most_lines=5000, longest=None):
        super().__init__()
        self.entries = entries
        self.most_lines = most_lines
        self.longest = longest

    def answer(self, asked):
        if not asked.path.endswith("/loki/api/v1/query_range"):
            return Answer("404 page not found", 404)
        start, end, limit = (int(asked.query[name]) for name in ("start", "end", "limit"))
        if limit > self.most_lines:
            said = "max entries limit per query exceeded, limit > max_entries_limit_per_query"
            return Answer(f"{said} ({limit} > {self.most_lines})", 400)
        if self.longest and end - start > self.longest:
            lengths = f"(query length: {end - start}ns, limit: {self.longest}ns)"
            return Answer(f"the query time range exceeds the limit {lengths}", 400)
        if asked.query["query"].startswith("rate("):
            return Answer({"status": "success", "data": {"resultType": "matrix", "result": []}})
        if not asked.query["query"].startswith("{"):
            return Answer("parse error at line 1, col 1: syntax error: unexpected IDENTIFIER", 400)
        assert asked.query["direction"] == "forward"
        found = sorted((one for one in self.entries if start <= one[1] < end), key=lambda e: e[1])
        return Answer({"status": "success", "data": streams(found[:limit])})


def streams(entries):
    """Entries by their labels, as Loki groups them."""
    found = {}
    for labels, at, line in entries:
        found.setdefault(tuple(sorted(labels.items())), []).append([str(at), line])
    result = [{"stream": dict(labels), "values": values} for labels, values in found.items()]
    return {"resultType": "streams", "result": result, "stats": {}}
