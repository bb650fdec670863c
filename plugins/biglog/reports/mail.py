"""The mail of a night: the verdict in its subject, the rest as text and as small plain HTML."""

from __future__ import annotations

import contextlib
import copy
import smtplib
import ssl
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import formatdate
from urllib.parse import urlsplit

import css_inline

from biglog import __version__
from biglog.errors import BadInput, TryAgain
from biglog.records import Night, identify
from biglog.reports.cards import link
from biglog.reports.limits import MAIL, MAIL_BYTES, Limits, fit
from biglog.reports.page import build
from biglog.reports.render import fill
from biglog.reports.verdict import active, broken, subject
from biglog.reports.voice import Voice, voice
from biglog.settings import ReportSettings

TEXT_BYTES = 40_000


class LetterPolicy(EmailPolicy):
    """Folds a subject by the older Header: EmailPolicy loses spaces next to Chinese words."""

    def fold(self, name: str, value: str) -> str:
        if name.lower() != "subject" or str(value).isascii():
            return str(super().fold(name, value))
        folded = Header(str(value), "utf-8", header_name=name).encode(linesep=self.linesep)
        return f"{name}: {folded}{self.linesep}"

    def fold_binary(self, name: str, value: str) -> bytes:
        if name.lower() != "subject" or str(value).isascii():
            return bytes(super().fold_binary(name, value))
        return self.fold(name, value).encode("ascii")


LETTER = LetterPolicy(linesep="\r\n")


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """Where mail is handed over."""

    host: str
    port: int = 25
    tls: bool = False
    """Start TLS on the plain connection."""
    ssl: bool = False
    """Speak TLS from the first byte."""
    user: str = ""
    password: str = ""
    sender: str = ""
    """From address; empty keeps the message's own."""
    timeout_seconds: float = 30.0


def due(night: Night, settings: ReportSettings) -> bool:
    """Whether the night's mail is wanted; a gap in the data counts as news like an incident."""
    if settings.send not in ("always", "incidents", "never"):
        raise BadInput(
            f"[report] send = {settings.send!r}; expected 'always', 'incidents' or 'never'"
        )
    news = bool(active(night)) or bool(broken(night)) or not night.coverage
    return settings.send == "always" or (settings.send == "incidents" and news)


def compose(
    night: Night, settings: ReportSettings, *, recipient: str, report_url: str
) -> EmailMessage:
    """The night's mail to one person: text and HTML under 80 KB, the same bytes each time.

    Raises BadInput for a recipient that is no address.
    """
    speaker = voice(settings.mail_locale, settings.timezone)
    to = address(recipient)
    title = subject(night, speaker)
    host = urlsplit(settings.base_url).hostname or "localhost"
    message = EmailMessage(policy=LETTER)
    message["Subject"] = title
    message["From"] = Address("BigLog", "biglog", host if host.isascii() else "localhost")
    message["To"] = to
    message["Message-ID"] = f"<{night.date}.{identify(night.date, to.addr_spec.lower())}@biglog>"
    message["List-Id"] = "BigLog nightly report <nightly.biglog>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    coding = "quoted-printable" if speaker.name == "en" else "base64"
    values = (night, speaker, title, link(report_url))
    message.set_content(fit(lambda some: text(values, some), MAIL, TEXT_BYTES), cte=coding)
    page = fit(lambda some: html(values, some), MAIL, MAIL_BYTES)
    message.add_alternative(page, subtype="html", cte=coding)
    message.set_boundary(f"biglog-{identify(page)}")
    return message


def address(recipient: str) -> Address:
    """The recipient as an address; a line break or a second address never gets into a header."""
    try:
        parsed = Address(addr_spec=recipient.strip())
    except (ValueError, HeaderParseError, IndexError) as error:
        raise BadInput(f"recipient {recipient!r} is not a mail address: {error}") from error
    if not parsed.domain or not recipient.isprintable():
        raise BadInput(f"recipient {recipient!r} is not a mail address; expected name@host")
    return parsed


def html(values: tuple[Night, Voice, str, str], limits: Limits) -> str:
    """The HTML part, its style written onto the elements because Gmail drops what is not."""
    inliner = css_inline.CSSInliner(
        keep_at_rules=True,
        minify_css=True,
        remove_inlined_selectors=True,
        load_remote_stylesheets=False,
    )
    return str(inliner.inline(letter("mail.html.j2", values, limits)))


def text(values: tuple[Night, Voice, str, str], limits: Limits) -> str:
    return letter("mail.txt.j2", values, limits)


def letter(name: str, values: tuple[Night, Voice, str, str], limits: Limits) -> str:
    night, speaker, title, href = values
    page = build(night, speaker, limits, version=__version__)
    return fill(name, speaker, {"page": page, "subject": title, "href": href, "book": book(href)})


def book(href: str) -> str:
    """Where the knowledge entries lie beside the report's page; empty where it has no address."""
    pages, found, _ = href.rpartition("/reports/")
    return f"{pages}/knowledge/" if found else ""


def deliver(message: EmailMessage, smtp: SmtpSettings) -> None:
    """Hand the message to the SMTP server.

    Raises TryAgain where waiting may help, BadInput where the server refuses for good.
    """
    letter = stamped(message, smtp.sender)
    where = f"{smtp.host}:{smtp.port}"
    try:
        hand_over(letter, smtp)
    except smtplib.SMTPRecipientsRefused as error:
        raise refused(where, {code for code, _ in error.recipients.values()}, error) from error
    except smtplib.SMTPResponseException as error:
        raise refused(where, {error.smtp_code}, error) from error
    except smtplib.SMTPNotSupportedError as error:
        raise BadInput(f"SMTP server {where}: {error}; check tls and user") from error
    except ssl.SSLCertVerificationError as error:
        raise BadInput(f"SMTP server {where}: its certificate is not trusted: {error}") from error
    except (smtplib.SMTPException, OSError) as error:
        raise TryAgain(f"SMTP server {where} did not take the mail: {error}") from error


def stamped(message: EmailMessage, sender: str) -> EmailMessage:
    """A copy with the date of sending, and with the sender where one is set."""
    letter = copy.deepcopy(message)
    letter["Date"] = formatdate(usegmt=True)
    if sender:
        letter.replace_header("From", sender)
    return letter


def hand_over(letter: EmailMessage, smtp: SmtpSettings) -> None:
    with contextlib.closing(connect(smtp)) as server:
        if smtp.tls:
            server.starttls(context=ssl.create_default_context())
        if smtp.user:
            server.login(smtp.user, smtp.password)
        server.send_message(letter)
        # The letter is taken: a rude good-bye must not have it sent a second time.
        with contextlib.suppress(smtplib.SMTPException, OSError):
            server.quit()


def connect(smtp: SmtpSettings) -> smtplib.SMTP:
    if not smtp.ssl:
        return smtplib.SMTP(smtp.host, smtp.port, timeout=smtp.timeout_seconds)
    trust = ssl.create_default_context()
    return smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=smtp.timeout_seconds, context=trust)


def refused(where: str, codes: set[int], error: Exception) -> BadInput | TryAgain:
    """5xx is for good, anything else may pass."""
    if any(500 <= code < 600 for code in codes):
        return BadInput(f"SMTP server {where} refused for good: {error}; check recipients and user")
    return TryAgain(f"SMTP server {where} refused for now: {error}")
