"""Which shapes are one template: lines above, the templates of all of them below."""

import pyarrow as pa
import pytest

from biglog.settings import TemplateSettings
from biglog.templates.merge import generalise
from biglog.templates.mine import mine
from biglog.templates.tokens import prepare


def templates(lines):
    return sorted(one.pattern for one in mine(pa.array(lines), (), TemplateSettings()).templates)


PICTURES = {
    "nouns beside names are names": (
        "queue orders is full, queue billing is full, queue kafka7b is full, queue default is full",
        "queue <*> is full",
    ),
    "verbs and states are what a template tells": (
        "node a7f2 started, node a7f2 stopped, node a7f2 failed, node a7f2 paused",
        "node <*> failed, node <*> paused, node <*> started, node <*> stopped",
    ),
    "and stay however short": (
        "port a7f2 link up, port a7f2 link down, port a7f2 link lost",
        "port <*> link down, port <*> link lost, port <*> link up",
    ),
    "so do they in Chinese": (
        "张三 登录成功, 张三 登录失败, 张三 已退出, 张三 会话超时",
        "张三 会话超时, 张三 已退出, 张三 登录失败, 张三 登录成功",
    ),
    "names in Chinese": (
        "服务 订单中心 启动成功, 服务 结算中心 启动成功, 服务 库存中心 启动成功",
        "服务 <*> 启动成功",
    ),
    "two names are too few": (
        "loaded module kafka, loaded module redis",
        "loaded module kafka, loaded module redis",
    ),
    "two are enough after from": (
        "got a reply from kafka today, got a reply from redis today",
        "got a reply from <*> today",
    ),
    "names in two places": (
        "moved kafka into pool blue, moved redis into pool teal, moved nginx into pool canary",
        "moved <*> into pool <*>",
    ),
    "words part the shapes before names are looked for": (
        "added index kafka on redis, added index nginx on mongo, added index minio on etcd, "
        "added table kafka on redis, added table nginx on mongo, added table minio on etcd",
        "added index <*> on <*>, added table <*> on <*>",
    ),
    "a key stays": (
        "java.home=/a, java.vendor=/b, java.version=/c, java.tmp=/d",
        "java.home=<*>, java.tmp=<*>, java.vendor=<*>, java.version=<*>",
    ),
    "a colon after words ends a phrase": (
        "lost broker kafka: timed out, lost broker redis: timed out, lost broker nginx: timed out",
        "lost broker <*>: timed out",
    ),
}


@pytest.mark.parametrize("title", PICTURES)
def test_picture(title):
    lines, expected = PICTURES[title]
    assert templates(lines.split(", ")) == expected.split(", ")


def test_a_pair_in_a_record_holds_a_value():
    assert templates(["lock name=android, uid=7"]) == ["lock name=<*>, uid=<*>"]
    assert templates(['lock tag="View Lock", uid=7']) == ['lock tag="<*>", uid=<*>']
    assert templates(['lock msg="View Lock", uid=7']) == ['lock msg="View Lock", uid=<*>']


def test_a_sentence_ends_at_its_stop():
    assert templates([f"no route to {one}." for one in ("kafka", "redis", "nginx")]) == [
        "no route to <*>."
    ]


def test_a_telling_word_goes_where_many_names_went():
    names = ["kafka", "redis", "nginx", "mongo", "etcd", "minio", "vault", "consul"]
    lines = [f"copy {one} to {two} done" for one, two in zip(names, names[::-1], strict=True)]
    assert templates([*lines, "copy search to kafka done"]) == ["copy <*> to <*> done"]


def test_no_template_is_a_variable_alone():
    names = ["kafka", "redis", "nginx", "mongo", "etcd", "minio", "vault", "consul", "envoy"]
    lines = [*names, "showKeyguard", "onTouch", "onFling"]
    assert templates(lines) == sorted(lines)


def test_the_order_of_shapes_says_nothing():
    shapes = [prepare(f"moved {a} into {b}") for a in ("x1y", "kafka") for b in ("redis", "etcd")]
    assert generalise(shapes, 0.4) == generalise(reversed(shapes), 0.4)
