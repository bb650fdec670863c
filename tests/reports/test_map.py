"""The map of the night's kinds of lines, as it stands on the page."""

import re
from dataclasses import replace

import pytest

from biglog.records import Spot, Template
from biglog.reports.clustermap import colours, draw
from biglog.reports.limits import PAGE, Limits
from biglog.reports.mail import compose
from biglog.reports.render import render
from biglog.reports.voice import voice
from biglog.settings import ReportSettings
from reports.night import busy_night, hostile_night

SPEAKER = voice("en", "UTC")


def mapped(night):
    """The night with each member of its clusters on the map, and one that is alone."""
    members = [(key, one.label) for one in night.clusters for key in one.template_ids]
    known = dict(members) | {"alone": -1}
    spots = [
        Spot(key, round(-1 + 2 * at / len(known), 4), round(1 - at / len(known), 4), label, 10**at)
        for at, (key, label) in enumerate(sorted(known.items()))
    ]
    lone = {"alone": Template("alone", "</title></svg><script>alert(1)</script> \x1b[31m‮", "")}
    return replace(night, spots=tuple(spots), templates={**night.templates, **lone})


def svg(html):
    return re.search(r'<figure class="plot map">.*?</figure>', html, re.DOTALL)[0]


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_each_template_is_a_dot_that_says_what_it_is(locale):
    night = mapped(busy_night())
    drawn = svg(render(night, ReportSettings(), locale))
    tips = re.findall(r"<circle [^>]*><title>(.*?)</title></circle>", drawn)
    assert len(tips) == len(night.spots)
    assert any("HikariPool-1" in one for one in tips)
    assert '<title id="map-t">' in drawn
    assert '<desc id="map-d">' in drawn
    assert "style=" not in drawn


def test_log_text_stays_text():
    drawn = svg(render(mapped(hostile_night()), ReportSettings(), "en"))
    assert "<script" not in drawn
    assert "&lt;/title&gt;&lt;/svg&gt;&lt;script&gt;alert(1)&lt;/script&gt;" in drawn
    assert "\x1b" not in drawn
    assert "‮" not in drawn
    assert drawn.count("<svg") == drawn.count("</svg>")


def test_what_is_new_or_found_has_a_ring():
    night = mapped(busy_night())
    found = draw(night, SPEAKER, Limits())
    kinds = {one.template_id: one.kind for one in night.findings}
    ringed = {one.template_id for one in night.spots} & kinds.keys()
    assert ringed
    assert len(found.rings) == len(ringed)
    assert any(one.new for one in found.rings)
    assert not all(one.new for one in found.rings)


def test_larger_dots_lie_beneath_and_all_are_inside():
    found = draw(mapped(busy_night()), SPEAKER, Limits())
    for _, dots in found.dots:
        sizes = [one.radius for one in dots]
        assert sizes == sorted(sizes, reverse=True)
        for one in dots:
            assert one.radius <= one.x <= 480 - one.radius
            assert found.top + one.radius <= one.y <= found.top + found.height - one.radius


def test_the_largest_clusters_have_a_number_and_their_words():
    night = mapped(busy_night())
    found = draw(night, SPEAKER, Limits())
    assert [one.number for one in found.names] == [1, 2, 3, 4, 5]
    assert {one.title for one in found.names} == {one.title for one in night.clusters}
    assert found.rest == "1 kind of line alone or in a smaller cluster"


def test_a_cluster_keeps_its_colour_when_others_grow():
    clusters = busy_night().clusters
    grown = [
        replace(one, label=9 - one.label, lines=one.lines * (one.label + 1)) for one in clusters
    ]
    before = {one.identity: colours(clusters)[one.label] for one in clusters}
    assert {one.identity: colours(grown)[one.label] for one in grown} == before


def test_a_smaller_serving_has_fewer_dots_and_says_so():
    many = tuple(Spot(f"t{n:04d}", n / 4000, 0.0, -1, n) for n in range(2000))
    night = replace(busy_night(), spots=many)
    full, small = draw(night, SPEAKER, Limits()), draw(night, SPEAKER, PAGE[-1])
    assert full.hidden == "80 rarer kinds of lines are not on the map."
    assert sum(len(dots) for _, dots in small.dots) == 480
    assert draw(night, SPEAKER, Limits(clusters=0)) is None


def test_two_thousand_dots_leave_the_page_light():
    many = [Spot(f"t{n:04d}", n / 4000, 0.0, -1, n) for n in range(2000)]
    words = {one.template_id: Template(one.template_id, "word <*> " * 40, "") for one in many}
    night = busy_night()
    with_map = replace(night, spots=tuple(many), templates={**night.templates, **words})
    heavy, light = (len(render(one, ReportSettings(), "en")) for one in (with_map, night))
    assert heavy - light < 500_000


@pytest.mark.parametrize("spots", [(), (Spot("one", 0.0, 0.0, -1, 5),)])
def test_without_two_templates_there_is_no_map(spots):
    html = render(replace(busy_night(), spots=spots), ReportSettings(), "en")
    assert '<figure class="plot map">' not in html


def test_the_mail_has_no_map():
    message = compose(
        mapped(busy_night()), ReportSettings(), recipient="a@example.org", report_url="https://b/"
    )
    assert "<circle" not in message.get_body(("html",)).get_content()
