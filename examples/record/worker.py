"""Work after an order: mails, invoices, statistics; run by Celery on jobs1."""

import smtplib
import time
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psycopg2
from celery import Celery
from celery.utils.log import get_task_logger

DATABASE = "host=db1 dbname=shop user=worker password=worker-secret connect_timeout=1"
SPOOL = Path("/srv/spool")
PAGE_BYTES = 2480 * 3508 * 4  # A4 at 300 dpi, four bytes a pixel
log = get_task_logger("worker")
app = Celery("worker", broker="redis://cache1:6379/0")
app.conf.update(
    task_ignore_result=True,
    task_default_queue="orders",
    task_routes={"worker.send_mail": {"queue": "mails"}},
    broker_connection_retry_on_startup=True,
    broker_transport_options={"socket_timeout": 2.0},
    broker_pool_limit=4,
    task_publish_retry=False,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=True,
)


@app.task(bind=True, max_retries=2, default_retry_delay=1)  # type: ignore[untyped-decorator]
def send_mail(self: Any, order: int, customer: int) -> None:
    """Tell the customer that the order is paid; tried three times."""
    if _paused():
        return
    message = EmailMessage()
    message["From"], message["To"] = "shop@example.com", f"customer{customer}@example.com"
    message["Subject"] = f"Your order {order}"
    message.set_content(f"Thank you. Order {order} is on its way.")
    try:
        with smtplib.SMTP("mail1", 2525, timeout=0.8) as server:
            server.send_message(message)
    except OSError as error:
        log.warning("mail for order %d not sent: %s", order, error)
        raise self.retry(exc=error) from error
    log.info("mail for order %d sent", order)


@app.task  # type: ignore[untyped-decorator]
def build_invoice(order: int, items: int) -> None:
    """Draw one invoice as an image in memory, keep its head as the receipt."""
    page = bytearray(PAGE_BYTES)
    for item in range(items):
        page[item * 80 : item * 80 + 20] = f"{order:<10}{item:>10}".encode()
    target = SPOOL / f"{order % 50}.txt"
    target.write_bytes(page[:20_000])
    log.info("invoice for order %d written, %d items", order, items)


@app.task  # type: ignore[untyped-decorator]
def refresh_statistics() -> None:
    """Count what sold, for the home page's ranking."""
    with psycopg2.connect(DATABASE) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*), max(total), avg(total) FROM orders WHERE id % 7 = 0")
        row = cursor.fetchone() or (0,)
        cursor.execute("UPDATE products SET views = views + 1 WHERE id = 1 + %s", (row[0] % 300,))
        log.info("statistics refreshed over %s orders", row[0])


@app.task  # type: ignore[untyped-decorator]
def send_campaign(customer: int) -> None:
    """One letter of a campaign; slow on purpose, as the letters are large."""
    time.sleep(0.08)
    log.info("campaign letter for customer %d rendered", customer)


def _paused() -> bool:
    return (SPOOL / "mails-paused").exists()
