"""The bank's end of a payment: a TLS server that approves or declines."""

import random
import socketserver
import ssl
import sys
import time

REFUSALS = ("insufficient funds", "card expired", "limit reached")


class Verdict(socketserver.StreamRequestHandler):
    delay = 0.0

    def handle(self) -> None:
        if self.rfile.readline():
            time.sleep(self.delay + random.uniform(0.002, 0.012))
            declined = random.random() < 0.03
            answer = random.choice(REFUSALS) if declined else "approved"
            self.wfile.write(answer.encode())


class Bank(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, certificate: str) -> None:
        super().__init__(("bank1", 8443), Verdict)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)

    def finish_request(self, request: object, client_address: object) -> None:
        with self.context.wrap_socket(request, server_side=True) as channel:  # type: ignore[arg-type]
            self.RequestHandlerClass(channel, client_address, self)  # type: ignore[arg-type]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that refuses our certificate is the client's line to write."""


if __name__ == "__main__":
    Verdict.delay = float(sys.argv[2])
    Bank(sys.argv[1]).serve_forever()
