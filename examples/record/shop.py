"""The web shop: pages, carts, orders; one process per application host."""

import json
import os
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg2
import redis
from kombu.exceptions import OperationalError
from psycopg2.pool import PoolError, ThreadedConnectionPool
from redis.backoff import NoBackoff
from redis.retry import Retry
from web import JSON, Answer, call, here, log_as_text, serve
from worker import build_invoice, send_mail

VERSION = os.environ.get("SHOP_VERSION", "2.14.0")
DATABASE = "host=db1 dbname=shop user=shop password=shop-secret connect_timeout=1"
SLOW_SECONDS = 0.25
QUEUE_WARNING = 25
log = log_as_text("shop.http")
catalog = log.manager.getLogger("shop.catalog")
carts = log.manager.getLogger("shop.cart")
checkouts = log.manager.getLogger("shop.checkout")
auth = log.manager.getLogger("shop.auth")
stock_log = log.manager.getLogger("shop.stock")
watch = log.manager.getLogger("shop.watch")


class Shop:
    """The connections one instance holds, and a handler per kind of request."""

    def __init__(self) -> None:
        self.pool = ThreadedConnectionPool(2, 12, DATABASE)
        once = Retry(NoBackoff(), 1)
        self.cache: Any = redis.Redis(
            host="cache1", socket_timeout=0.8, decode_responses=True, retry=once
        )
        self.served = 0

    def handle(self, method: str, target: str, body: bytes) -> Answer:
        started = time.perf_counter()
        path = urlsplit(target).path
        status, content = self._answer(method, target, body)
        took = time.perf_counter() - started
        self.served += 1
        if path != "/health":
            log.info("%s %s -> %d in %d ms", method, path, status, took * 1000)
        if took > SLOW_SECONDS:
            log.warning("slow request: %s %s took %d ms", method, path, took * 1000)
        return status, content

    def _answer(self, method: str, target: str, body: bytes) -> Answer:
        try:
            return self._route(method, target, body)
        except PoolError as error:
            log.error("no database connection for %s: %s", target, error)
        except redis.RedisError as error:
            log.error("cache failed during %s %s: %s", method, target, error)
        except psycopg2.Error:
            log.exception("database failed during %s %s", method, target)
        except ValueError as error:
            log.warning("bad request %s %s: %s", method, target, error)
            return 400, {"error": "bad request"}
        return 500, {"error": "internal error"}

    def _route(self, method: str, target: str, body: bytes) -> Answer:
        url = urlsplit(target)
        first, *rest = url.path.strip("/").split("/")
        handler = getattr(self, f"_{method.lower()}_{first.replace('.', '_') or 'home'}", None)
        if handler is None:
            return 404, {"error": "no such page"}
        given: JSON = json.loads(body) if body else {k: v[0] for k, v in _query(url.query)}
        answer: Answer = handler(rest[0] if rest else "", given)
        return answer

    def _get_health(self, _: str, given: JSON) -> Answer:
        return 200, {"status": "ok", "version": VERSION}

    def _get_home(self, _: str, given: JSON) -> Answer:
        popular = self.cache.get("popular")
        if popular is None:
            rows = self._rows("SELECT id, name FROM products ORDER BY views DESC LIMIT 8")
            self.cache.set("popular", json.dumps(rows), ex=3)
            catalog.info("popular products refreshed: %d rows", len(rows))
        return 200, {"popular": popular}

    def _get_product(self, key: str, given: JSON) -> Answer:
        name = f"product:{int(key)}"
        if (known := self._cached(name)) is not None:
            catalog.info("product %s viewed, from cache", key)
            return 200, {"product": known}
        rows = self._rows("SELECT id, name, price FROM products WHERE id = %s", int(key))
        if not rows:
            catalog.warning("product %s does not exist", key)
            return 404, {"error": "no such product"}
        self._remember(name, json.dumps(rows[0], default=str))
        catalog.info("product %s viewed, from database, price %s", key, rows[0][2])
        return 200, {"product": rows[0][1]}

    def _get_category(self, key: str, given: JSON) -> Answer:
        sql = "SELECT id, name FROM products WHERE category = %s ORDER BY id LIMIT 20"
        rows = self._rows(sql, int(key))
        catalog.info("category %s listed, %d products", key, len(rows))
        return 200, {"products": rows}

    def _get_search(self, _: str, given: JSON) -> Answer:
        words = str(given.get("q", ""))
        sql = "SELECT id, name FROM products WHERE name ILIKE %s LIMIT 20"
        rows = self._rows(sql, f"%{words}%")
        catalog.info("search '%s' found %d products", words, len(rows))
        return 200, {"products": rows}

    def _get_stock(self, key: str, given: JSON) -> Answer:
        try:
            status, content = call("stock1:8200", f"/level/P{int(key):04d}")
        except (OSError, HTTPException) as error:
            stock_log.error("stock service unreachable for product %s: %s", key, error)
            return 503, {"error": "stock unknown"}
        stock_log.info("stock of product %s is %s", key, content.get("level"))
        return status, content

    def _get_orders(self, key: str, given: JSON) -> Answer:
        sql = (
            "SELECT id, total, created_at FROM orders WHERE customer_id = %s"
            " ORDER BY created_at DESC LIMIT 10"
        )
        rows = self._rows(sql, int(key))
        log.info("history of customer %s: %d orders", key, len(rows))
        return 200, {"orders": [row[0] for row in rows]}

    def _post_cart(self, key: str, given: JSON) -> Answer:
        product, quantity = int(given["product"]), int(given.get("quantity", 1))
        self.cache.hincrby(f"cart:{key}", str(product), quantity)
        self.cache.expire(f"cart:{key}", 20)
        carts.info("cart %s: added %d of product %d", key, quantity, product)
        return 200, {"cart": key}

    def _post_login(self, key: str, given: JSON) -> Answer:
        rows = self._rows("SELECT password FROM customers WHERE id = %s", int(key))
        good = bool(rows) and rows[0][0] == given.get("password")
        self._change(
            "INSERT INTO audit_log (customer_id, what) VALUES (%s, %s)",
            key,
            "login" if good else "refused",
        )
        if not good:
            auth.warning("login refused for customer %s: wrong password", key)
            return 401, {"error": "wrong password"}
        auth.info("login of customer %s", key)
        return 200, {"session": key}

    def _post_newsletter(self, key: str, given: JSON) -> Answer:
        try:
            self._change("INSERT INTO newsletter (customer_id) VALUES (%s)", int(key))
        except psycopg2.errors.UniqueViolation:
            auth.info("customer %s already takes the newsletter", key)
            return 409, {"error": "already subscribed"}
        return 200, {"subscribed": key}

    def _get_coupon(self, key: str, given: JSON) -> Answer:
        rows = self._rows("SELECT percent FROM coupons WHERE code = %s", key)
        if not rows:
            carts.info("coupon %s unknown", key)
            return 404, {"error": "no such coupon"}
        carts.info("coupon %s gives %s percent", key, rows[0][0])
        return 200, {"percent": rows[0][0]}

    def _post_checkout(self, key: str, given: JSON) -> Answer:
        items = self.cache.hgetall(f"cart:{key}")
        if not items:
            carts.warning("cart %s is empty or has expired", key)
            return 409, {"error": "empty cart"}
        order, total = self._place(int(given["customer"]), items)
        checkouts.info("order %d created, %d items, total %s", order, len(items), total)
        if not self._charge(order, total):
            return 402, {"error": "payment failed"}
        self._hand_over(order, int(given["customer"]), len(items))
        self.cache.delete(f"cart:{key}")
        return 201, {"order": order}

    def _hand_over(self, order: int, customer: int, items: int) -> None:
        try:
            send_mail.delay(order, customer)
            build_invoice.delay(order, items)
        except OperationalError as error:
            checkouts.error("order %d could not be queued: %s", order, error)
        else:
            checkouts.info("order %d handed to the mail and invoice queues", order)

    def _place(self, customer: int, items: dict[str, str]) -> tuple[int, str]:
        with self._connection() as connection, connection.cursor() as cursor:
            for product, quantity in sorted(items.items()):
                cursor.execute(
                    "UPDATE products SET sold = sold + %s WHERE id = %s", (quantity, product)
                )
            cursor.execute(
                "INSERT INTO orders (customer_id, total)"
                " SELECT %s, sum(price) FROM products WHERE id = ANY(%s) RETURNING id, total",
                (customer, [int(product) for product in items]),
            )
            order, total = cursor.fetchone() or (0, 0)
            cursor.execute(
                "INSERT INTO audit_log (customer_id, what) VALUES (%s, %s)", (customer, "order")
            )
            connection.commit()
            return int(order), str(total)

    def _charge(self, order: int, total: str) -> bool:
        try:
            status, content = call("pay1:8100", "/charge", {"order": order, "amount": total})
        except (OSError, HTTPException) as error:
            checkouts.error("order %d not paid: payment service failed: %s", order, error)
            return False
        if status != 200:
            checkouts.warning("order %d not paid: %s", order, content.get("error"))
            return False
        checkouts.info("order %d paid, receipt %s", order, content.get("receipt"))
        return True

    def _cached(self, name: str) -> str | None:
        try:
            known: str | None = self.cache.get(name)
            return known
        except redis.RedisError as error:
            catalog.warning("cache read of %s failed: %s", name, error)
            return None

    def _remember(self, name: str, value: str) -> None:
        try:
            self.cache.set(name, value, ex=random.randint(2, 6))
        except redis.RedisError as error:
            catalog.warning("cache write of %s failed: %s", name, error)

    def _rows(self, sql: str, *values: Any) -> list[Any]:
        with self._connection() as connection, connection.cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall())

    def _change(self, sql: str, *values: Any) -> None:
        with self._connection() as connection, connection.cursor() as cursor:
            cursor.execute(sql, values)
            connection.commit()

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        """A pooled connection, given back clean; a broken one is thrown away."""
        connection = self.pool.getconn()
        try:
            yield connection
        except psycopg2.Error:
            if not connection.closed:
                connection.rollback()
            raise
        finally:
            self.pool.putconn(connection, close=bool(connection.closed))

    def watch(self) -> None:
        """Every few seconds, write what a person would look at first."""
        while True:
            time.sleep(2.5)
            try:
                waiting = int(self.cache.llen("mails")) + int(self.cache.llen("orders"))
            except redis.RedisError as error:
                watch.error("queue length unknown: %s", error)
                continue
            level = watch.warning if waiting > QUEUE_WARNING else watch.info
            level("served %d requests, %d tasks waiting in queues", self.served, waiting)


def _query(text: str) -> list[tuple[str, list[str]]]:
    return list(parse_qs(text).items())


def main() -> None:
    host, port = here(), int(sys.argv[1])
    log.info("shop %s starting on %s, port %d", VERSION, host, port)
    shop = Shop()
    threading.Thread(target=shop.watch, daemon=True).start()
    log.info("shop %s ready", VERSION)
    serve((host, port), shop.handle)


if __name__ == "__main__":
    main()
