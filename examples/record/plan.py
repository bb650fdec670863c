"""The calendar of a recording: which fault strikes on which day, from which hour, how long."""

from dataclasses import dataclass
from datetime import date, timedelta

FIRST = date(2026, 11, 2)


@dataclass(frozen=True)
class Planned:
    day: int
    hour: float
    hours: float
    kind: str

    def date(self) -> date:
        return FIRST + timedelta(days=self.day - 1)


FAULTS = (
    Planned(4, 1.7, 1.5, "password_burst"),
    Planned(7, 15.4, 1.2, "path_scan"),
    Planned(8, 10.2, 1.5, "upstream_down"),
    Planned(8, 14.6, 1.3, "deadlock"),
    Planned(8, 19.1, 1.0, "invalid_json"),
    Planned(9, 9.3, 1.6, "connections_exhausted"),
    Planned(9, 13.5, 2.0, "worker_killed"),
    Planned(9, 20.4, 1.4, "certificate_expired"),
    Planned(10, 8.8, 1.8, "redis_down"),
    Planned(10, 15.2, 1.5, "slow_query"),
    Planned(10, 20.1, 1.7, "configuration_typo"),
    Planned(12, 8.6, 1.8, "disk_full"),
    Planned(12, 12.3, 1.9, "memory_limit"),
    Planned(12, 16.4, 1.8, "statement_timeout"),
    Planned(12, 20.7, 1.5, "upstream_timeout"),
    Planned(13, 4.2, 1.2, "database_password_burst"),
    Planned(13, 10.1, 1.9, "redis_disk_full"),
    Planned(13, 18.2, 1.9, "component_silent"),
    Planned(14, 9.6, 1.5, "name_resolution"),
    Planned(14, 13.9, 1.6, "backend_killed"),
    Planned(14, 20.2, 1.4, "mail_refused"),
    Planned(15, 8.3, 1.6, "lock_wait"),
    Planned(15, 12.6, 1.3, "oversize_upload"),
    Planned(15, 17.2, 1.7, "queue_backlog"),
    Planned(15, 21.6, 1.5, "permission_denied"),
    Planned(16, 3.1, 1.0, "path_scan"),
    Planned(16, 9.9, 1.7, "missing_step"),
    Planned(16, 13.7, 1.5, "bad_migration"),
    Planned(16, 17.0, 1.5, "redis_memory_full"),
    Planned(16, 20.6, 1.5, "dependency_timeout"),
)
BENIGN = (
    Planned(5, 14.0, 0.0, "deploy_shop"),
    Planned(6, 10.5, 0.0, "restart_payments"),
    Planned(11, 13.0, 0.0, "deploy_shop"),
    Planned(13, 14.5, 0.0, "restart_payments"),
)
