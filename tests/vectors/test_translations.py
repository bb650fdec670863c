"""Texts that packages ship in both languages are joined by file and key."""

from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from biglog.vectors.training.kinds import Kind
from biglog.vectors.training.translations import _LANGUAGE, _read_json
from biglog.vectors.training.wordnet import read_wordnet


@pytest.mark.parametrize(
    ("path", "rest"),
    [
        ("ui/locales/en/dags.json", "/dags.json"),
        ("ui/locales/zh-CN/dags.json", "/dags.json"),
        ("components/mqtt/translations/zh-Hans.json", ".json"),
        ("static/config/en-0c0551af54ccb38e598b2a0181eb2c01.json", ".json"),
        ("locale/zh_TW/app.json", None),
        ("data/english.json", None),
        ("zen/app.json", None),
    ],
)
def test_the_language_is_told_by_a_part_of_the_path(path, rest):
    found = _LANGUAGE(path)
    assert (found and found["rest"]) == rest


def test_files_beside_each_other_are_joined_by_key(tmp_path: Path):
    info = tmp_path / "shop-1.0.dist-info"
    files = {
        "shop/en/pay.json": '{"a": {"b": "payment failed"}, "only": "english"}',
        "shop/zh-CN/pay.json": '{"a": {"b": "支付失败"}, "other": "中文"}',
        "shop/en/alone.json": '{"a": "alone"}',
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n")
    listed = [*files, "shop/zh-CN/gone.json", "shop/en/gone.json"]
    (info / "RECORD").write_text("".join(f"{name},,\n" for name in listed))
    assert _read_json(PathDistribution(info)) == [("shop//pay.json", "payment failed", "支付失败")]


def test_synonyms_are_read_with_what_they_mean(tmp_path: Path) -> None:
    verbs = tmp_path / "usr/share/wordnet/data.verb"
    verbs.parent.mkdir(parents=True)
    verbs.write_text(
        "  1 a licence stands above\n"
        "00004492 29 v 02 hold_back 4 refuse 1 001 @ 02422681 v 0000 01 + 08 00 "
        '| keep from exhaling; "hold your breath"  \n'
        "00006643 29 v 01 sneeze 0 001 @ 00010241 v 0000 01 + 01 00 | exhale spasmodically  \n"
    )
    assert read_wordnet(None, {"refuse"}) == []
    assert read_wordnet(tmp_path, {"refuse"}) == [
        Kind("wordnet", "verb29", "00004492", ("keep from exhaling", "hold back, refuse"))
    ]
