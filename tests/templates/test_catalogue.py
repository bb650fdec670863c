"""Templates of earlier nights above, lines of tonight, and the ids they must get below."""

import random

import pyarrow as pa
import pytest

from biglog.errors import BadInput
from biglog.records import Template, identify
from biglog.settings import TemplateSettings
from biglog.templates.catalogue import Catalogue, generality, is_instance
from biglog.templates.correct import divide, join, part_patterns, split
from biglog.templates.mask import MARK
from biglog.templates.mine import mine
from biglog.templates.tokens import parse, pattern

SETTINGS = TemplateSettings()


def template(text, template_id="", **changes):
    return Template(template_id or identify(text), text, text, example=text, **changes)


def ids(lines, catalogue):
    return mine(pa.array(lines), catalogue, SETTINGS).template_ids.to_pylist()


class TestFinding:
    def test_the_most_specific_is_found_among_many(self):
        known = Catalogue(
            template(text)
            for text in (
                "<*> logged in from <*>",
                "alice logged in from <*>",
                "<*> logged in from home",
                "alice logged in from home",
                "alice logged out from home",
            )
        )
        for shape, wanted in (
            ("alice logged in from home", "alice logged in from home"),
            ("alice logged in from work", "alice logged in from <*>"),
            ("bob logged in from home", "<*> logged in from home"),
            ("bob logged in from work", "<*> logged in from <*>"),
            ("bob logged out from home", None),
        ):
            found = known.find(parse(shape))
            assert (found and known.templates[found].pattern) == wanted

    def test_it_finds_what_trying_each_would_find(self):
        """Two hundred crowded templates, against the obvious search."""
        chance = random.Random(5)
        words = ["a", "b", "c", MARK]
        every = {tuple(chance.choices(words, k=6)) for _ in range(200)}
        known = Catalogue(template(pattern(one)) for one in sorted(every))
        for _ in range(500):
            shape = tuple(chance.choices([*words[:3], "z"], k=6))
            fits = [one for one in known.tokens if is_instance(shape, one)]
            assert known.look_up(shape) == min(fits, key=generality, default=None)

    def test_templates_as_long_as_lines_may_be_share_their_beginning(self):
        texts = [" ".join(["x"] * 190 + [f"end{n}"]) for n in "abcdefgh"]
        known = Catalogue(map(template, texts))
        assert [known.find(parse(one)) for one in texts] == [identify(one) for one in texts]

    def test_nothing_at_all_is_a_line_too(self):
        assert Catalogue([template("")]).find(()) == identify("")
        assert Catalogue([]).find(()) is None


class TestGrowing:
    def test_the_eldest_takes_in_the_younger(self):
        elder = template("login ok name=cyrus", version=4)
        younger = template("login ok name=news")
        known = Catalogue([elder, younger])
        found = ids(["login ok name=alice", "login ok name=news"], known)

        assert found == [elder.template_id] * 2
        assert known.merged == {younger.template_id: elder.template_id}
        assert known.templates[elder.template_id].version == 5

    def test_a_second_look_finds_the_same(self):
        lines = [f"login ok name={n}" for n in ("news", "alice", "cyrus")] + ["login failed"]
        known = Catalogue([template("login ok name=cyrus")])
        once = ids(lines, known)
        assert ids(lines, known) == once
        assert ids(lines, Catalogue(known.templates.values())) == once

    def test_it_says_whether_an_earlier_line_would_be_read_otherwise_now(self):
        known = Catalogue([template("login ok name=cyrus")])
        for line, moved in (
            ("login ok name=cyrus", False),
            ("quite another thing", False),
            ("login ok name=news", True),
        ):
            known.moved = False
            ids([line], known)
            assert known.moved is moved, line

    def test_a_new_and_narrower_template_may_take_lines_that_came_earlier(self):
        known = Catalogue([template("copy <*> to <*> done")])
        known.moved = False
        known.learn([template("copy <*> to tape done")])
        assert known.moved


class TestOtherSources:
    def test_a_pattern_of_another_source_has_its_id(self):
        theirs = template("login ok name=<*>", identify("login ok name=cyrus"), version=2)
        found = ids([f"login ok name={n}" for n in ("a1x", "bob")], Catalogue([], [theirs]))
        assert found == [theirs.template_id] * 2

    def test_what_it_was_before_it_widened_has_its_id_too(self):
        theirs = template("login ok name=<*>", identify("login ok name=cyrus"), version=2)
        assert ids(["login ok name=cyrus"], Catalogue([], [theirs])) == [theirs.template_id]

    def test_what_was_merged_elsewhere_has_the_elder_s_id(self):
        elder = template("login ok name=<*>")
        younger = template("login ok name=news", merged_into=elder.template_id)
        found = ids(["login ok name=news"], Catalogue([], [elder, younger]))
        assert found == [elder.template_id]

    def test_an_id_that_means_something_else_by_now_is_not_given_twice(self):
        other = template("quite another thing", identify("login ok"))
        (found,) = ids(["login ok"], Catalogue([], [other]))
        assert found not in (identify("login ok"), other.template_id)
        assert ids(["login ok"], Catalogue([], [other])) == [found]


class TestPinned:
    def test_a_pinned_template_is_not_widened(self):
        mine_own = template("login ok name=cyrus", pinned=True)
        known = Catalogue([mine_own])
        found = ids([f"login ok name={n}" for n in ("cyrus", "news", "alice")], known)

        assert found[0] == mine_own.template_id
        assert found[1] == found[2] == identify("login ok name=<*>")
        assert known.templates[mine_own.template_id] == mine_own
        assert known.merged == {}

    def test_lines_of_an_alias_are_its_own(self):
        one = template("<*> logged <*>", aliases=("user <*> logged in", "bye, <*> logged out"))
        found = mine(pa.array(["user 7 logged in", "bye, 9 logged out"]), [one], SETTINGS)
        assert found.template_ids.to_pylist() == [one.template_id] * 2
        assert found.parameters.to_pylist() == [["user 7", "in"], ["bye, 9", "out"]]


class TestJoining:
    @pytest.mark.parametrize(
        ("one", "other", "wanted"),
        [
            ("job <*> done", "job <*> failed", "job <*> <*>"),
            ("<*> in", "user <*> in at <*>", "<*> in<*>"),
            ("disk full", "disk full", "disk full"),
        ],
    )
    def test_the_pattern_covers_both(self, one, other, wanted):
        joined = join(template(one), template(other, "b" * 16))
        assert joined.pattern == wanted
        assert joined.pinned
        assert set(joined.aliases) == {one, other} - {wanted}

    def test_a_pattern_may_be_given(self):
        joined = join(template("job <*> done"), template("task <*> done"), "<*> done")
        assert (joined.pattern, joined.version) == ("<*> done", 2)

    @pytest.mark.parametrize(
        ("wanted", "words"),
        [("", "no word in common"), ("up <*>", "does not cover 'up'"), ("<*>", "no word")],
    )
    def test_what_cannot_be_one_is_refused(self, wanted, words):
        with pytest.raises(BadInput, match=words):
            join(template("up"), template("down"), wanted)


ASKED = template("GET <*> <*>")
LINES = ["GET /a 200", "GET  /b 500", "GET /c 404", "GET /b/d 500", "hello"]


class TestSplitting:
    def test_lines_go_to_the_part_they_fit(self):
        parts = split(ASKED, ["GET <*> 500", "GET /b <*>"])
        mined = mine(pa.array(LINES), [ASKED], SETTINGS)
        by_id = {one.template_id: one for one in (*parts, *mined.templates)}
        done = divide(pa.array(LINES), mined, {ASKED.template_id: parts})

        assert [by_id[one].pattern for one in done.template_ids.to_pylist()] == [
            "GET <*> <*>", "GET <*> 500", "GET <*> <*>", "GET <*> 500", "hello",
        ]  # fmt: skip
        assert done.parameters.to_pylist() == [["/a", "200"], ["/b"], ["/c", "404"], ["/b/d"], []]
        assert {one.pattern: one.example for one in done.templates} == {
            "GET <*> <*>": "GET <*> <*>", "GET <*> 500": "GET /b 500", "hello": "hello",
        }  # fmt: skip

    def test_a_part_may_be_split_again(self):
        (failed,) = split(ASKED, ["GET <*> 500"])
        (of_b,) = split(failed, ["GET /b 500"])
        mined = mine(pa.array(LINES), [ASKED], SETTINGS)
        rules = {ASKED.template_id: (failed,), failed.template_id: (of_b,)}
        done = divide(pa.array(LINES), mined, rules).template_ids.to_pylist()
        assert done[1] == of_b.template_id
        assert done[3] == failed.template_id

    def test_a_value_stands_in_the_place_of_its_wildcard(self):
        assert part_patterns(ASKED, 2, ("500", "404")) == ("GET <*> 500", "GET <*> 404")
        assert part_patterns(ASKED, 1, ("/",)) == ("GET / <*>",)

    def test_hostile_patterns_are_text(self):
        line = "GET .*+?\\w$^ 5"
        (part,) = split(ASKED, ["GET .*+?\\w$^ <*>"])
        mined = mine(pa.array([line, "GET xx 5"]), [ASKED], SETTINGS)
        done = divide(pa.array([line, "GET xx 5"]), mined, {ASKED.template_id: (part,)})
        assert done.template_ids.to_pylist() == [part.template_id, ASKED.template_id]

    def test_the_encoder_is_told_the_value_and_the_kinds(self):
        asked = Template("a" * 16, "GET <*> <*>", "", example="GET /a/b 200")
        (part,) = split(asked, ["GET <*> 500"])
        assert part.model_text == "GET [FILE] 500"

    @pytest.mark.parametrize(
        ("patterns", "words"),
        [(["POST <*>"], "is no part of"), (["GET <*> <*>"], "is no part of"),
         (["GET <*> 5", "GET <*> 5"], "give each once")],
    )  # fmt: skip
    def test_what_is_no_part_is_refused(self, patterns, words):
        with pytest.raises(BadInput, match=words):
            split(ASKED, patterns)

    def test_a_wildcard_that_is_not_there_is_refused(self):
        with pytest.raises(BadInput, match="it has 2, counted from 1"):
            part_patterns(ASKED, 3, ("x",))
