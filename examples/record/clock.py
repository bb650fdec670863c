"""The recording's time: a wall clock second and the moment of the day it stands for."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

DAY = 86_400.0


@dataclass(frozen=True)
class Clock:
    """Linear between the wall clock (epoch seconds) and the recorded days."""

    started: float
    first: date
    seconds_per_day: float

    def mapped(self, wall: float) -> datetime:
        days = (wall - self.started) / self.seconds_per_day
        return _midnight(self.first) + timedelta(days=days)

    def wall(self, day: date, hour: float) -> float:
        days = (day - self.first).days + hour / 24
        return self.started + days * self.seconds_per_day

    def seconds(self, hours: float) -> float:
        """Wall seconds that stand for so many hours."""
        return hours / 24 * self.seconds_per_day


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
