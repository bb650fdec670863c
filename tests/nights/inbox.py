"""A real SMTP server on this machine that keeps what it is given."""

import email
import socket
from contextlib import contextmanager
from email.policy import default

from aiosmtpd.controller import Controller


class Inbox:
    """Keeps what the server took; refuses while ``busy``."""

    def __init__(self):
        self.mails = []
        self.busy = False
        self.port = 0

    async def handle_DATA(self, _server, _session, envelope):
        if self.busy:
            return "451 try again later"
        mail = email.message_from_bytes(envelope.content, policy=default)
        self.mails.append((envelope.rcpt_tos, mail))
        return "250 taken"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def listening():
    handler = Inbox()
    handler.port = free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=handler.port)
    controller.start()
    yield handler
    controller.stop()
