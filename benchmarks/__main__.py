"""Everything that is measured, one after the other: `make bench`.

The recorded faults need nothing. The rest needs labelled data that is not part of this repository:
BIGLOG_DATA names its folder; without it those are left out, and said so.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Script, and its arguments with {data} for the folder of labelled data.
MEASURED = (
    ("incidents.py", ()),
    ("feedback.py", ()),
    ("templates.py", ("{data}",)),
    ("templates.py", ("{data}", "--leave-out")),
    ("templates.py", ("{data}", "--statements")),
    ("templates.py", ("{data}", "--speed")),
    ("lines.py", ("{data}",)),
    ("lines.py", ("--gigabytes", "10")),
    ("embedding.py", ("{data}",)),
    ("encoder_peers.py", ("{data}",)),
    ("sessions.py", ("{data}/sessions",)),
    ("learned.py", ("{data}",)),
    ("predict_failures.py", ("{data}",)),
    ("lines_detect.py", ("{data}", "--leave-out")),
    ("detect_speed.py", ()),
    ("web_attacks.py", ("{data}/web",)),
    ("metrics.py", ("{data}",)),
    ("meanwhile.py", ()),
    ("rca.py", ("{data}/rca",)),
    ("dependencies.py", ("{data}/rca",)),
    ("clusters.py", ()),
    ("clusters.py", ("--sizes", "1000", "--data", "{data}")),
    ("clusters_kinds.py", ("--data", "{data}")),
    (
        "knowledge.py",
        (
            "{data}/kb/prometheus_runbooks",
            "{data}/kb/queries_prometheus.jsonl",
            "{data}/kb/queries_prometheus_zh.jsonl",
            "--encoder",
            "pretrained/biglog-small",
        ),
    ),
)


def main() -> int:
    data = os.environ.get("BIGLOG_DATA", "")
    worst = 0
    for script, arguments in MEASURED:
        if any("{data}" in one for one in arguments) and not data:
            print(f"\n== {script}: left out, BIGLOG_DATA names no folder of labelled data")
            continue
        given = [one.format(data=data) for one in arguments]
        print(f"\n== python benchmarks/{script} {' '.join(given)}", flush=True)
        command = [sys.executable, f"benchmarks/{script}", *given]
        done = subprocess.run(command, cwd=ROOT, check=False)
        worst = max(worst, done.returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
