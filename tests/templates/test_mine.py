"""Raw contents above, templates below."""

import random
import time
from dataclasses import replace

import pyarrow as pa
import pytest

from biglog.records import Template, identify
from biglog.settings import TemplateSettings
from biglog.templates.mine import mine

SETTINGS = TemplateSettings()

HDFS = """
Receiving block blk_-1608999687919862906 src: /10.250.19.102:54106 dest: /10.250.19.102:50010
Receiving block blk_7503483334202473044 src: /10.251.215.16:55695 dest: /10.251.215.16:50010
PacketResponder 1 for block blk_-1608999687919862906 terminating
PacketResponder 2 for block blk_7503483334202473044 terminating
10.251.194.213:50010:Got exception while serving blk_-77 to /10.251.90.64:
Deleting block blk_17 file /mnt/hadoop/dfs/data/current/subdir5/blk_17
""".strip().splitlines()

HDFS_PATTERNS = """
Receiving block <*> src: <*> dest: <*>
Receiving block <*> src: <*> dest: <*>
PacketResponder <*> for block <*> terminating
PacketResponder <*> for block <*> terminating
<*>:Got exception while serving <*> to <*>:
Deleting block <*> file <*>
""".strip().splitlines()


def patterns(contents, catalogue=()):
    mined = mine(pa.array(contents, pa.string()), catalogue, SETTINGS)
    by_id = {one.template_id: one.pattern for one in mined.templates}
    return [by_id[one] for one in mined.template_ids.to_pylist()]


def distinct(contents, catalogue=()):
    return sorted(set(patterns(contents, catalogue)))


def test_hdfs():
    assert patterns(HDFS) == HDFS_PATTERNS


def test_parameters_stand_under_the_wildcards():
    mined = mine(pa.array(HDFS), (), SETTINGS)
    assert mined.parameters.to_pylist()[1] == [
        "blk_7503483334202473044",
        "/10.251.215.16:55695",
        "/10.251.215.16:50010",
    ]
    assert mined.parameters.to_pylist()[4] == ["10.251.194.213:50010", "blk_-77", "/10.251.90.64"]


def test_types_and_model_text():
    mined = mine(pa.chunked_array([HDFS[:2], HDFS[2:]]), (), SETTINGS)
    assert mined.template_ids.type == pa.string()
    assert mined.parameters.type == pa.list_(pa.string())
    texts = {one.pattern: one.model_text for one in mined.templates}
    assert texts[HDFS_PATTERNS[0]] == "Receiving block [CODE] src: [IP] dest: [IP]"
    assert texts[HDFS_PATTERNS[5]] == "Deleting block [CODE] file [FILE]"
    for one in mined.templates:
        assert one.template_id == identify(one.pattern)
        assert one.example in HDFS
    assert mined.new_ids == {one.template_id for one in mined.templates}
    assert not mined.widened_ids


class TestNames:
    def test_a_user_is_a_variable_even_when_there_is_one(self):
        assert distinct(["session closed for user alice"]) == ["session closed for user <*>"]

    def test_a_word_of_the_sentence_is_not_a_user(self):
        assert distinct(["check pass; user unknown"]) == ["check pass; user unknown"]

    def test_values_of_a_key(self):
        lines = [f"login ok tty=ssh name={n}" for n in ("cyrus", "news", "alice")]
        assert distinct(lines) == ["login ok tty=ssh name=<*>"]

    def test_many_names_after_a_verb_and_words_among_them(self):
        names = "chargen daytime echo discard rsync tftp klogin eklogin gssftp time"
        assert distinct([f"removing {n}" for n in names.split(" ")]) == ["removing <*>"]

    def test_names_with_digits_and_words_where_digits_vary(self):
        assert distinct(["CPU0 is up", "CPU1 is up"]) == ["<*> is up"]
        assert distinct(["CPU0 is up"]) == ["CPU0 is up"]

    def test_lists_of_several_lengths(self):
        lines = ["hosts: 1 2 3", "hosts: 1 2", "hosts: 1 2 3 4 5"]
        assert distinct(lines) == ["hosts: <*>"]

    def test_a_size_whose_unit_varies_takes_the_unit_in(self):
        assert distinct(["used 5.2 KB now", "used 17 MB now"]) == ["used <*> now"]
        assert distinct(["used 5.2 MB now", "used 17 MB now"]) == ["used <*> MB now"]

    def test_a_prefix_is_never_a_variable(self):
        names = ("usbcore", "mtrr", "isapnp", "klogd", "vesafb", "apm", "md", "ide", "nfsd", "hci")
        assert len(distinct([f"{n}: ready" for n in names])) == len(names)

    def test_messages_in_quotes_are_told_apart(self):
        texts = ("failed to connect", "started", "lost the leader", "shutting down")
        assert len(distinct([f'level=info msg="{text}" n=1' for text in texts])) == len(texts)

    def test_an_empty_value_joins(self):
        lines = ["connection from 10.0.0.1 (a.example.com)", "connection from 10.0.0.1 ()"]
        mined = mine(pa.array(lines), (), SETTINGS)
        assert distinct(lines) == ["connection from <*> (<*>)"]
        assert mined.parameters.to_pylist()[1] == ["10.0.0.1", ""]


@pytest.mark.parametrize(
    "apart",
    [
        ("session 7 opened", "session 7 closed"),
        ("backup 3 success", "backup 3 failed"),
        ("service nginx started", "service nginx stopped"),
        ("GET /a/b 200", "POST /a/b 200"),
        ("state is NEW", "state is RUNNING", "state is FAILED"),
        ("404 Not Found", "500 Internal Server Error"),
        ("limit=3", "size=3", "count=3"),
        ("cupsd startup succeeded", "klogd startup succeeded"),
    ],
)
def test_closed_vocabularies_are_kept_apart(apart):
    assert len(distinct(apart)) == len(apart)


class TestCatalogue:
    def test_the_second_night_keeps_every_id(self):
        first = mine(pa.array(HDFS), (), SETTINGS)
        again = mine(pa.array(HDFS[::-1]), first.templates, SETTINGS)
        assert again.template_ids.to_pylist() == first.template_ids.to_pylist()[::-1]
        assert not again.new_ids | again.widened_ids
        assert set(again.templates) == set(first.templates)

    def test_a_widened_template_keeps_its_id(self):
        old = Template(identify("login ok name=cyrus"), "login ok name=cyrus", "login ok", 1, "x")
        mined = mine(pa.array(["login ok name=news"]), [old], SETTINGS)
        (wide,) = mined.templates
        assert wide.pattern == "login ok name=<*>"
        assert (wide.template_id, wide.version, wide.example) == (old.template_id, 2, "x")
        assert wide.model_text == "login ok name=[CODE]"
        assert mined.widened_ids == {old.template_id}
        assert not mined.new_ids

    def test_what_fitted_before_widening_goes_along(self):
        old = Template(identify("login ok name=cyrus"), "login ok name=cyrus", "login ok", 1, "x")
        mined = mine(pa.array(["login ok name=news", "login ok name=cyrus"]), [old], SETTINGS)
        assert mined.template_ids.to_pylist() == [old.template_id] * 2
        assert [one.version for one in mined.templates] == [2]
        assert mined.parameters.to_pylist() == [["news"], ["cyrus"]]

    def test_a_wide_template_takes_what_fits_it(self):
        text = "login ok name=<*>"
        old = Template("0123456789abcdef", text, "login ok name=[CODE]", 5, "x")
        mined = mine(pa.array(["login ok name=news", "login failed name=news"]), [old], SETTINGS)
        assert mined.template_ids.to_pylist()[0] == old.template_id
        assert old in mined.templates
        assert len(mined.new_ids) == 1

    def test_the_most_specific_template_wins(self):
        wide = Template("a" * 16, "login ok name=<*>", "login ok name=[CODE]")
        exact = Template("b" * 16, "login ok name=root", "login ok name=root")
        mined = mine(pa.array(["login ok name=root"]), [wide, exact], SETTINGS)
        assert mined.template_ids.to_pylist() == [exact.template_id]

    def test_only_used_templates_come_back(self):
        other = Template("c" * 16, "never seen", "never seen")
        mined = mine(pa.array(["hello world"]), [other], SETTINGS)
        assert other not in mined.templates


def corpus():
    chance = random.Random(7)
    users = ["alice", "bob", "cyrus", "news", "root", "x1"]
    kinds = [
        lambda: f"session opened for user {chance.choice(users)} by (uid={chance.randrange(9)})",
        lambda: f"Failed password for {chance.choice(users)} from 10.0.0.{chance.randrange(255)}",
        lambda: f"took {chance.randrange(9999)}ms to read /var/lib/{chance.choice(users)}/db",
        lambda: f"连接超时，耗时{chance.randrange(9999)}ms，用户 {chance.choice(users)}",
        lambda: f"eth{chance.randrange(3)} is {chance.choice(['up', 'down'])}",
        lambda: "nothing varies here",
    ]
    return [chance.choice(kinds)() for _ in range(600)]


def test_the_order_of_lines_changes_nothing():
    lines = corpus()
    first = mine(pa.array(lines), (), SETTINGS)
    order = list(range(len(lines)))
    random.Random(3).shuffle(order)
    mixed = mine(pa.array([lines[i] for i in order]), (), SETTINGS)
    assert mixed.templates == first.templates
    ids, parameters = first.template_ids.to_pylist(), first.parameters.to_pylist()
    assert mixed.template_ids.to_pylist() == [ids[i] for i in order]
    assert mixed.parameters.to_pylist() == [parameters[i] for i in order]


def test_parameters_put_back_give_the_content():
    lines = corpus() * 2  # large and small groups take different ways
    mined = mine(pa.array(lines), (), SETTINGS)
    texts = {one.template_id: one.pattern for one in mined.templates}
    for line, one, values in zip(
        lines, mined.template_ids.to_pylist(), mined.parameters.to_pylist(), strict=True
    ):
        parts = texts[one].split("<*>")
        assert len(values) == len(parts) - 1
        assert "".join(a + b for a, b in zip(parts, [*values, ""], strict=True)) == line


class TestHostileContent:
    def test_nothing(self):
        mined = mine(pa.array([], pa.string()), (), SETTINGS)
        assert (len(mined.template_ids), len(mined.parameters), mined.templates) == (0, 0, ())

    def test_all_equal(self):
        assert patterns(["same 1"] * 500) == ["same <*>"] * 500

    def test_empty_blank_and_missing(self):
        assert patterns(["", "   ", None]) == ["", "", ""]

    @pytest.mark.parametrize(
        "line",
        [
            r"a.*+?^${}()|[]\ b 12",
            "nul \x00 byte 12",
            "mark \x01 and <*> and 12",
            "guard _\x02 java.net.X 12",
            "emoji 😀 12 \u202e rtl",
            "{{ 7*7 }} <script>alert(12)</script>",
            "'; DROP TABLE x; -- 12",
            "(" * 300 + "12",
            ":" * 3000 + "12",
            "a 1 " * 500,
        ],
    )
    def test_each_line_is_an_instance_of_its_template(self, line):
        mined = mine(pa.array([line, line + "3"]), (), SETTINGS)
        for content, values in zip([line, line + "3"], mined.parameters.to_pylist(), strict=True):
            assert all(value in " ".join(content.split(" ")) or value == "" for value in values)
        again = mine(pa.array([line]), mined.templates, SETTINGS)
        assert again.template_ids.to_pylist() == mined.template_ids.to_pylist()[:1]
        assert not again.new_ids

    def test_a_megabyte_is_quick_and_its_tail_is_a_variable(self):
        long = "dump 12 " + "x1 y2 " * 170_000
        start = time.perf_counter()
        mined = mine(pa.array([long, long + "z", "short"]), (), SETTINGS)
        assert time.perf_counter() - start < 5
        assert len(mined.templates) == 2
        wide = next(one for one in mined.templates if one.pattern != "short")
        assert wide.pattern.startswith("dump <*> ")
        assert wide.pattern.endswith("<*>")
        assert len(wide.example) <= 2000

    def test_ten_thousand_shapes(self):
        chance = random.Random(1)
        words = ["".join(chance.choices("abcdefgh", k=6)) for _ in range(3000)]
        lines = [" ".join(chance.choices(words, k=8)) for _ in range(10_000)]
        start = time.perf_counter()
        assert len(patterns(lines)) == 10_000
        assert time.perf_counter() - start < 20


def test_a_template_s_version_counts_up_once_a_night():
    old = Template("d" * 16, "login ok name=cyrus", "login ok", 3)
    mined = mine(pa.array([f"login ok name={n}" for n in ("news", "alice")]), [old], SETTINGS)
    assert mined.templates == (
        replace(
            old,
            pattern="login ok name=<*>",
            model_text="login ok name=[CODE]",
            version=4,
            example="login ok name=alice",
        ),
    )


def test_nights_in_pieces_end_where_one_night_does():
    lines, known, ids = corpus(), {}, []
    for start in range(0, len(lines), 50):
        night = mine(pa.array(lines[start : start + 50]), known.values(), SETTINGS)
        known |= {one.template_id: one for one in night.templates}
        ids += night.template_ids.to_pylist()
    assert [known[one].pattern for one in ids] == patterns(lines)


def test_coded_values_before_a_colon_are_values():
    lines = [f"cart {code}: added 2 of product 7" for code in ("9c1e", "cb13", "feff", "a0b1")]
    assert distinct(lines) == ["cart <*>: added <*> of product <*>"]
