"""Titles as the store keeps them, in the reader's words: all that is left of an incident's finding
once its night is over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from biglog.reports.text import shorten
from biglog.reports.voice import Voice

WHOLE = re.compile(r"(?P<place>.+?): (?P<told>.+) from \d\d:\d\d")
PLACE = re.compile(r"(?P<service>.+) on (?P<host>\S+)")
COUNTED = r", (?P<count>[\d,]+) times|, once"
LOUD = r"(?:“(?P<template>.+)”|(?P<grave>errors and warnings)|lines)"
# The forms of a record's title, each with the phrase that says it; the time in it is left out,
# for it is in UTC and without its date.
FORMS = tuple(
    (key, re.compile(form))
    for key, form in (
        ("new_value", rf"new value (?P<new>“.+”) in (?:“(?P<template>.+)”)?(?:{COUNTED})"),
        ("new_template", rf"new \w+ (?:“(?P<template>.+)”)?(?:{COUNTED})"),
        ("returned_template", rf"again \w+ (?:“(?P<template>.+)”)?(?:{COUNTED})"),
        ("distant", rf"odd \w+ (?:“(?P<template>.+)”)?(?:{COUNTED})"),
        ("silence", r"(?:“(?P<template>.+)” stopped|silent) for (?P<minutes>[\d,]+) minutes"),
        ("stopped_template", r"(?:“(?P<template>.+)” )?did not come at all"),
        ("rate_up", rf"{LOUD} (?P<times>[\d,]+) times the usual rate"),
        ("rate_up", rf"{LOUD} [\d,]+ times where hardly one was expected,"),
        ("rate_down", rf"{LOUD} fell to (?P<percent>\d+) % of the usual rate"),
        ("value_up", rf"(?:“(?P<template>.+)” )?with high values(?:{COUNTED})"),
        ("value_down", rf"(?:“(?P<template>.+)” )?with low values(?:{COUNTED})"),
    )
)


def retold(title: str, voice: Voice, limit: int) -> str:
    """A record's title in the reader's words; one of an unknown form stays as it is."""
    whole = WHOLE.fullmatch(title)
    if not whole:
        return shorten(title, limit)
    for key, form in FORMS:
        if found := form.fullmatch(whole["told"].strip()):
            told = {name: text or "" for name, text in found.groupdict().items()}
            return phrase(f"title.{key}", {**told, "place": whole["place"]}, voice, limit)
    return shorten(title, limit)


def where(place: str, voice: Voice) -> str:
    both = PLACE.fullmatch(place)
    if not both:
        return shorten(place, 60)
    return voice.say("place.both", service=shorten(both[1], 60), host=shorten(both[2], 60))


def phrase(key: str, told: Mapping[str, str], voice: Voice, limit: int) -> str:
    """The phrase of a title with what the record tells; the plain one where that is not enough."""
    values = {
        "service": where(told["place"], voice),
        "often": often(told, voice),
        "what": voice.say("what.grave" if told.get("grave") else "what.lines"),
        "new": shorten(told.get("new", ""), 60),
        "lasted": voice.duration(60 * float(told.get("minutes", "0").replace(",", "") or 0)),
    }
    template = told.get("template", "")
    if not template or not voice.asks(key) <= {*values, "template"}:
        return voice.say(f"{key}_plain", **values)
    room = max(limit - len(voice.say(key, template="", **values)), 24)
    return voice.say(key, template=shorten(template, room), **values)


def often(told: Mapping[str, str], voice: Voice) -> str:
    if times := told.get("times"):
        return voice.say("often.times", n=times)
    if percent := told.get("percent"):
        return voice.say("often.less", share=voice.whole_percent(int(percent) / 100))
    return voice.say("often.new")
