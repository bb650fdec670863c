"""Words that log lines are written in, as against the names that fill them."""

from __future__ import annotations

import re
from functools import lru_cache

# The same in Chinese, where such a word is found inside a token, for no blank parts the words.
TELLING_PARTS = re.compile(
    "成功|失败|超时|错误|异常|正常|启动|停止|关闭|打开|开始|结束|完成|中断|断开|连接|恢复|重启|重试"
    "|拒绝|允许|登录|登陆|登出|退出|注册|注销|创建|新建|新增|添加|删除|移除|清理|更新|修改|写入|读取|加载"
    "|卸载|上传|下载|发送|接收|收到|处理|执行|提交|回滚|校验|等待|跳过|忽略|丢弃|溢出|不足|过高|过低|过期"
    "|无法|不能|没有|未|已|不|正在|告警|警告|触发|切换|扩容|缩容|同步|备份|查询|调用|返回|支付|到账"
)
INFLECTED = re.compile(r"[a-z]{2,}(?:ed|ing|tion|tions|ly|able|ible|ment|ness|ful|less|ity)")

# A change of such a word changes what the line tells: particles, verbs, states. Nouns are not here,
# for one noun beside others in one place may well be a name ("queue mail", "queue default").
TELLING = frozenset(
    re.findall(
        r"\w+",
        """
a about above after again all already also am an and another any are as at back be because been
before being below between both but by can cannot could did do does done down due during each
either every for from had has have here how if in into is it its just last least less many may
might more most much must neither next no none nor not nothing now of off on once one only onto or
other our out over own per same should since so some still such than that the their them then
there these they this those through to too under unless until up upon us via was we were what when
where whether which while who why will with within without would yes yet you your
abort accept access acquire activate add allocate allow append apply assign attach authenticate
become begin bind block boot break build call cancel change check clean clear click close collect
commit complete configure connect continue convert copy correct count create decrease delete deny
destroy detach detect die disable disconnect discover dispatch drop enable end enter exceed
execute exist exit expect expire export fail fetch find finish flush force found free get give
grant grow handle hang ignore import increase initialize insert install interrupt invoke join keep
kill know launch leave listen load lock log login logout lose made make mark match merge miss mount
move need notify obtain open parse pass pause perform play post prepare probe process publish pull
purge push put query quit raise read rebuild receive recover refresh refuse register reject release
reload remove rename renew replace reply report request require reset resolve respond restart
restore resume retry return revoke roll run save scan schedule scroll search seek select send serve
set setup show shut shutdown skip sleep spawn split start stop store submit subscribe succeed
suspend switch sync take terminate test throw touch trigger trim try turn unable unbind uninstall
unload unlock unmount unplug unregister unsubscribe update upgrade upload use validate verify visit
wait wake want warn watch write wrote sent got lost went gone began broke broken hung ran taken
given seen thrown written held kept left
absent active alive asleep available awake bad better busy cold corrupt critical current dead
different dirty down dry early empty enough equal error exclusive external false fast fatal fine
first free fresh full good graceful green hard healthy high hot idle illegal inactive incomplete
incorrect info internal invalid late local long low max maximum min minimum missing new normal
offline ok old online open out present previous ready red remote right safe second short slow
small soft stale success successful third timeout true unavailable unexpected unhealthy unknown
unreachable upper valid visible warm warning weak wrong yellow zero debug lower
""",
    )
)
# After these a single word is a name even when it never varies.
PERSON = frozenset({"user", "username", "login", "ruser", "account"})
# What such a key holds is a sentence.
SAYING = frozenset(
    re.findall(r"\w+", "msg message text event error err reason cause description state status")
)
# After these a name follows more often than not.
ANNOUNCING = PERSON | {"for", "from"}


@lru_cache(maxsize=65536)
def is_word(token: str) -> bool:
    """Whether the token's form alone says that it is no name: inflected, in capitals, a symbol."""
    if not any(c.isalnum() for c in token):
        return True
    text = token.strip(".-+*!?#@&%~`")
    if len(text) > 1 and text.isupper() and not any(c.isdigit() for c in text):
        return True
    lower = text.lower()
    return text in (lower, lower.capitalize()) and INFLECTED.fullmatch(lower) is not None


@lru_cache(maxsize=65536)
def is_telling(token: str) -> bool:
    """Whether another word in its place would tell another event."""
    if not any(c.isalnum() for c in token):
        return True
    lower = token.strip(".-+*!?#@&%~`").lower()
    if lower in TELLING or TELLING_PARTS.search(lower):
        return True
    stem = lower.removesuffix("ing")
    if stem != lower:
        return not {stem, stem + "e", stem[:-1]}.isdisjoint(TELLING)
    return len(lower) > 4 and lower.endswith(("ed", "ly", "able", "ible"))
