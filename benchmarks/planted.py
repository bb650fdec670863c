"""Alerts put into logs of systems that never had them, so that their truth is known.

A planted line keeps the header of a line that was there (host, time, level) and says what a program
elsewhere said. Per log: a storm of 1 to 5 % of the lines, two kinds of some dozen lines, one of a
few and three of one line; at once from one place, in a few bursts, or spread over the file.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Alerts of large machines as published (Oliner and Stearley, DSN 2007, table 4), and of Linux.
MACHINES = (
    "data TLB error interrupt",
    "rts panic! - stopping execution",
    "ciod: Error reading message prefix on CioStream socket to {ip}:{port}, Connection reset",
    "Lustre mount FAILED : io{n} : block_id : location",
    "machine check interrupt (bit=0x{n}): L2 dcache unit data parity error",
    "total of {n} ddr error(s) detected and corrected over {port} seconds",
    "MidplaneSwitchController performing bit sparing on R{n} bit {n}",
    "pbs_mom: Connection refused (111) in open_demux, open_demux: cannot connect to {ip}:{port}",
    "pbs_mom: task_check, cannot tm_reply to {port} task {n}",
    "pbs_mom: Bad file descriptor (9) in tm_request, job {port} not running",
    "mptscsih: ioc{n}: attempting task abort! (sc={hex})",
    "EXT3-fs error (device sda{n}) in ext3_reserve_inode_write: IO failure",
    "scsi{n} (0:0): rejecting I/O to offline device",
    "Losing some ticks... checking if CPU frequency changed.",
    "Uhhuh. NMI received. Dazed and confused, but trying to continue",
    "cciss: cmd {hex} has CHECK CONDITION, sense key = 0x{n}",
    "GM: LANai is not running. Allowing port={n} open for debugging",
    "GM: The NIC ISR is reporting an SRAM parity error.",
    "Warning: Verify Host {n} bus parity error: 0200 Tier:{n} LUN:{n}",
    "warn node heartbeat_fault on c{n}-0c1s3n2",
    "LustreError: timeout (sent at {port}, {n}s ago) req@{hex}",
    "PANIC_SP WE ARE TOASTED!",
    "Lustre: Watchdog triggered for pid {port}: it was inactive for {port}ms",
    "Out of Memory: Killed process {port} (java).",
    "BUG: soft lockup - CPU#{n} stuck for {n}s! [kswapd0:{port}]",
    "CPU{n}: Temperature above threshold, cpu clock throttled (total events = {port})",
    "end_request: I/O error, dev sdb, sector {port}",
    "nfs: server {ip} not responding, still trying",
    "possible SYN flooding on port {port}. Sending cookies.",
    "java.lang.OutOfMemoryError: GC overhead limit exceeded",
)


def plant(
    lines: Sequence[str], contents: Sequence[str], texts: Sequence[str], seed: int
) -> tuple[list[str], list[str]]:
    """The lines with alerts between them; and for each line the kind of alert, empty for none.

    ``contents`` is what each line says after its header; ``texts`` are alerts to choose from.
    """
    rng = np.random.default_rng(seed)
    heads = [line[: line.rfind(said.strip())] for line, said in zip(lines, contents, strict=True)]
    usable = np.array([n for n, head in enumerate(heads) if head.strip()])
    kinds = rng.choice(len(texts), 7, replace=False)
    storm = max(3, int(len(lines) * rng.uniform(0.01, 0.05)))
    sizes = [storm, *rng.integers(8, 30, 2), int(rng.integers(2, 6)), 1, 1, 1]
    planted: dict[int, list[tuple[str, str]]] = {}
    for kind, size in zip(kinds, sizes, strict=True):
        for before, head in places(usable, len(lines), int(size), rng):
            alert = heads[head] + filled(texts[kind], rng)
            planted.setdefault(before, []).append((alert, texts[kind]))
    rows = [row for n, line in enumerate(lines) for row in [(line, ""), *planted.get(n, [])]]
    return [line for line, _ in rows], [kind for _, kind in rows]


def places(
    usable: np.ndarray, height: int, size: int, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """After which line each of a kind's lines comes, and whose header it has."""
    style = int(rng.integers(3))
    if style == 0:
        head = int(rng.choice(usable))
        after = np.minimum(height - 1, head + rng.integers(0, height // 40, size))
        return [(int(n), head) for n in after]
    if style == 1:
        starts = rng.choice(usable, size // 15 + 1)
        near = starts[rng.integers(0, len(starts), size)] + rng.integers(0, height // 100, size)
        chosen = usable[np.minimum(len(usable) - 1, np.searchsorted(usable, near))]
    else:
        chosen = rng.choice(usable, size)
    return [(int(n), int(n)) for n in chosen]


def filled(text: str, rng: np.random.Generator) -> str:
    return (
        text.replace("{ip}", f"10.{rng.integers(250)}.{rng.integers(250)}.{rng.integers(1, 250)}")
        .replace("{port}", str(rng.integers(1024, 60000)))
        .replace("{hex}", f"{rng.integers(1, 2**50):016x}")
        .replace("{n}", str(rng.integers(1, 40)))
    )
