"""The visitors of a recording: scripted sessions against nginx along a day's curve."""

import argparse
import asyncio
import json
import math
import random
import time
from dataclasses import dataclass
from datetime import date, timedelta

from clock import Clock
from sandbox import HOSTS, VISITORS

WEEKDAYS = (1.0, 1.02, 0.98, 1.0, 1.05, 0.9, 0.82)
REQUESTS_PER_SESSION = 11.5
MAX_SESSIONS = 60
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/19.1 Safari",
)
WORDS = ("lamp", "chair", "desk", "shelf", "rug", "vase", "sofa", "blue", "oak", "12")
Step = tuple[str, str, str]


@dataclass
class Visit:
    """One visitor's connection and what they have asked for so far."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    agent: str

    async def ask(self, step: Step) -> None:
        method, path, body = step
        head = f"{method} {path} HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: {self.agent}\r\n"
        self.writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        answer = await self.reader.readuntil(b"\r\n\r\n")
        await self.reader.readexactly(_length(answer))


def curve(day: date, hour: float) -> float:
    """Relative traffic, about 1 on average: quiet nights, peaks at 11 and 20."""
    morning = math.exp(-(((hour - 11) / 3.0) ** 2))
    evening = math.exp(-(((hour - 20) / 2.6) ** 2))
    wobble = random.Random(f"{day}{int(hour * 6)}").gauss(1, 0.06)
    return WEEKDAYS[day.weekday()] * wobble * (0.3 + 1.5 * morning + 1.9 * evening)


async def visitors(clock: Clock, until: float, rate: float) -> None:
    """Open sessions at the curve's rate until the recording ends."""
    sessions: set[asyncio.Task[None]] = set()
    while (now := time.time()) < until:
        when = clock.mapped(now)
        wanted = rate * curve(when.date(), when.hour + when.minute / 60) / REQUESTS_PER_SESSION
        await asyncio.sleep(random.expovariate(max(wanted, 0.1)))
        if len(sessions) < MAX_SESSIONS:
            task = asyncio.create_task(session())
            sessions.add(task)
            task.add_done_callback(sessions.discard)


async def session() -> None:
    """One visit: a walk through the shop on one connection."""
    address = f"{random.choice(VISITORS)}.{random.randint(2, 99)}"
    try:
        reader, writer = await asyncio.open_connection(HOSTS["web1"], 80, local_addr=(address, 0))
    except OSError:
        return
    visit = Visit(reader, writer, random.choice(AGENTS))
    try:
        for step in walk():
            await visit.ask(step)
            await asyncio.sleep(random.expovariate(1 / 0.06))
    except (OSError, asyncio.IncompleteReadError):
        return
    finally:
        writer.close()


def walk() -> list[Step]:
    """What one visitor asks for, in order."""
    customer = random.randint(1, 2000)
    steps: list[Step] = [_get("/"), _get("/static/app.css"), _get("/static/app.js")]
    if random.random() < 0.03:
        steps.append(_get("/favicon.ico"))
    for _ in range(random.choice((1, 1, 2, 3))):
        steps += _browse()
    if random.random() < 0.25:
        steps += _member(customer)
    if random.random() < 0.3:
        steps += _buy(customer)
    return steps


def _browse() -> list[Step]:
    product = int(random.triangular(1, 300, 20))
    if random.random() < 0.01:
        product += 300
    where = f"/search?q={random.choice(WORDS)}" if random.random() < 0.4 else _category()
    steps = [_get(where), _get(f"/static/p{product}.jpg"), _get(f"/product/{product}")]
    return [*steps, _get(f"/stock/{product}")] if random.random() < 0.5 else steps


def _category() -> str:
    return f"/category/{random.randrange(12)}"


def _member(customer: int) -> list[Step]:
    right = random.random() > 0.05
    steps = [_post(f"/login/{customer}", password=f"pw{customer if right else 0}")]
    if right:
        steps.append(_get(f"/orders/{customer}"))
    if random.random() < 0.2:
        steps.append(_post(f"/newsletter/{customer}"))
    return steps


def _buy(customer: int) -> list[Step]:
    cart = f"{random.randrange(16**4):04x}"
    products = [random.randint(1, 300) for _ in range(random.choice((1, 1, 2, 3)))]
    steps = [_post(f"/cart/{cart}", product=product, quantity=1) for product in products]
    if random.random() < 0.5:
        steps.append(_get(f"/coupon/SAVE{random.choice((5, 10, 15, 20, 33))}"))
    return [*steps, _post(f"/checkout/{cart}", customer=customer)]


async def supplier(until: float) -> None:
    """Delivery notes to the stock service, a few each second."""
    while time.time() < until:
        await asyncio.sleep(random.expovariate(2.5))
        note = {"sku": f"P{random.randint(1, 300):04d}", "quantity": random.randint(30, 90)}
        await _deliver(json.dumps(note))


async def _deliver(note: str) -> None:
    try:
        reader, writer = await asyncio.open_connection(HOSTS["stock1"], 8200)
    except OSError:
        return
    try:
        await Visit(reader, writer, "supplier/4.1").ask(("POST", "/delivery", note))
    except (OSError, asyncio.IncompleteReadError):
        return
    finally:
        writer.close()


def _get(path: str) -> Step:
    return "GET", path, ""


def _post(path: str, **fields: object) -> Step:
    return "POST", path, json.dumps(fields)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def _main(options: argparse.Namespace) -> None:
    clock = Clock(options.started, date.fromisoformat(options.first), options.seconds_per_day)
    until = clock.wall(clock.first + timedelta(days=options.days), 0)
    await asyncio.gather(visitors(clock, until, options.rate), supplier(until))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--started", type=float, required=True)
    parser.add_argument("--first", required=True)
    parser.add_argument("--seconds-per-day", type=float, required=True)
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--rate", type=float, default=95.0)
    asyncio.run(_main(parser.parse_args()))
