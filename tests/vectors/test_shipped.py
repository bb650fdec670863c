"""The shipped model reads both languages, tells kinds apart, and fits into the repository."""

import numpy as np
import pytest

from biglog.vectors.encoder import BertEncoder

from .conftest import SHIPPED

SAME = [
    (
        "could not connect to mysql: connection refused",
        "dial tcp [IP]: connect: connection refused",
    ),
    ("no space left on device", "磁盘空间不足"),
    ("out of memory: killed process [NUM]", "内存溢出，进程被系统杀死"),
]
APART = [
    ("connection to mysql established", "connection refused by mysql at [IP]"),
    ("backup completed, [NUM] gb written", "backup failed"),
    ("user logged in successfully from [IP]", "login failed, wrong password"),
]
LINES = [
    "no space left on device",
    "connection refused by [IP]",
    "job [NUM] finished in [NUM] ms",
    "数据库连接超时",
    "user logged in from [IP]",
    "replication lag exceeds [NUM] seconds",
    "received block [CODE] of size [NUM] from [IP]",
]


def alike(encoder: BertEncoder, left: str, right: str) -> float:
    rows = encoder.encode([left, right])
    return float(encoder.similarity(np.array([rows[0] @ rows[1]]))[0])


def test_it_is_small_and_whole() -> None:
    sizes = {path.name: path.stat().st_size for path in SHIPPED.iterdir()}
    assert {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "vocab.txt",
        "calibration.json",
        "README.md",
    } <= set(sizes)
    assert sizes["model.safetensors"] < 15_000_000


def test_its_stored_calibration_is_its_own(shipped: BertEncoder) -> None:
    before = (SHIPPED / "calibration.json").stat().st_mtime_ns
    assert shipped.calibration.weights == shipped.weights
    assert shipped.calibration.same_pairs > 100
    assert (SHIPPED / "calibration.json").stat().st_mtime_ns == before
    assert shipped.model_id.startswith("biglog-small:")
    assert shipped.encode(LINES).shape == (len(LINES), shipped.dim)


def test_similarity_rises_from_0_to_1(shipped: BertEncoder) -> None:
    said = shipped.similarity(np.linspace(-1, 1, 201))
    assert (np.diff(said) > 0).all()
    assert said[0] >= 0
    assert said[-1] == 1


@pytest.mark.parametrize(
    "text",
    ["mysql数据库连接报错太多", "数据库连接超时故障排查", "错误", "接口 502，上游 tomcat 挂了"],
)
def test_chinese_is_read_without_unknowns(shipped: BertEncoder, text: str) -> None:
    assert "[UNK]" not in shipped.tokenizer.encode(text).tokens


@pytest.mark.parametrize("vague", ["error", "错误", "ERROR"])
def test_a_bare_error_matches_nothing_in_particular(shipped: BertEncoder, vague: str) -> None:
    for line in LINES:
        assert alike(shipped, vague, line) < 0.85, line


@pytest.mark.parametrize(("left", "right"), APART)
def test_opposite_outcomes_lie_below_every_pair_of_one_kind(
    shipped: BertEncoder, left: str, right: str
) -> None:
    assert alike(shipped, left, right) < min(alike(shipped, *pair) for pair in SAME)


def test_parameters_do_not_matter(shipped: BertEncoder) -> None:
    assert (
        alike(
            shipped, "session [NUM] closed for user [CODE]", "session [CODE] closed for user main"
        )
        > 0.85
    )


def test_a_chinese_question_finds_the_english_line(shipped: BertEncoder) -> None:
    lines = [
        "no space left on device",
        "connection refused by peer",
        "access denied for user",
        "job finished",
    ]
    rows = shipped.encode(["磁盘满了怎么办", *lines])
    assert lines[int(np.argmax(rows[1:] @ rows[0]))] == "no space left on device"
