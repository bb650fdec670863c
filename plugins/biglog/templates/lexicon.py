"""Words that log lines are written in, as against the names that fill them."""

from __future__ import annotations

import re
from functools import lru_cache

WORDS = frozenset(
    re.findall(
        r"\w+",
        """
a about above abnormally abort aborted accept acceptable access account accounting ack across
action active add address after again against alert alive all allocate allocated allow allowed
already also an and another any application are as ask asked assigned at attempt attempting
attempts auth authenticate authenticated authentication available away back bad base be because
been before begin being below between bind block blocked body boot both bound broken bug bus
busy but by bytes cache call caller can cannot canceled change changed channel check child class
clean cleanup clear client close closed cluster code cold collect command commit committed
common complete completed component config configuration configure configured connect connected
connection connections contact contain container content context continue control core corrupt
could count cpu create created critical current currently cycle daemon data database date day
deadlock debug default delay delete deleted denied deprecated detected device did different
directory disable disabled disconnect disconnected discovery disk do does done down driver drop
dropped due during each early empty enable enabled end engine enough entries entry error errors
event every exceed exceeded exception execute executor exist existing exists exit exited
expected expire expired external fail failed fails failure failures fast fatal fault file files
filesystem find finish finished first flag flush for force found free from full function further
get give given going good got graceful group had halt handle handler has have header health
healthy heartbeat help here high hit hold host idle if ignore illegal image in inactive index
info information init initialized input insert inside install instance interface internal into
invalid is issue it item its job join just keep kernel key kill killed known last late launch
leader leave left length level limit line link list load loaded local locally location lock
locked log login logout lookup loop lost low main make manager map mark match max maximum may
memory message messages method min minimum miss missing mode model module monitor more most
mount mounted move must name names need network never new next no node none normal not
notification now null number object of off offline ok old on once one online only open opened
operation option or order other out output over own owner packet page parent part partition pass
passed password path peer pending permission permissions phase ping policy pool port power
present previous primary probe problem process processed processor profile progress property
protocol provider pull push put query queue quit range rate read reader ready reason receive
received recover recovered recovery refused register registered reject rejected release reload
remote remove removed replica reply report request requests required reserved reset resolve
resolved resource response responding restart result results resume retry return returned role
run running same save scan schedule scheduled script second secondary seconds section security
see select send sent sequence serve server service services session set setting setup shared
should shutdown signal since size skip skipped sleep slow small socket software some source
space speed stack stage standby start started starting startup state static status step still
stop stopped storage store stored stream string subsystem succeeded success successful
successfully suspend suspended switch sync synchronized system table take target task
temperature temporary term terminate terminated test than that the then there these they this
thread threshold through time timed timeout timer times to too took total trace transaction
transfer transition transport try two type unable unavailable unexpected unhealthy unit unknown
unlock unlocked unreachable unsupported until up update updated upgrade usage use used user
using valid value values verify version via view virtual volume wait waiting wakeup want warm
warn warning was way we were when which while whole will with within without work worker would
write written wrong yes yet you your zone begin began click scroll move moves bring brought seen
sees saw pause paused play played stale dirty visible hidden screen battery charging charged
plugged unplugged
""",
    )
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
deploy destroy detach detect die disable disconnect discover dispatch drop enable end enter exceed
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
# After these a name follows, unless it is a word of the sentence.
NAMING = frozenset(
    re.findall(
        r"\w+",
        """
for from to by at of on in with via user username account host hostname node domain file device
service named name called database table index container pod image topic queue group class
package module process thread job task client server removing adding loading creating deleting
opening closing starting stopping mounted resolve 用户 主机 服务 节点
""",
    )
)
# After these a single word is a name even when it never varies.
PERSON = frozenset({"user", "username", "login", "ruser", "account"})


@lru_cache(maxsize=65536)
def is_word(token: str) -> bool:
    """Whether the token belongs to the sentence: an English word of logs, a state, a symbol."""
    if not any(c.isalnum() for c in token):
        return True
    text = token.strip(".-+*!?#@&%~`")
    if len(text) > 1 and text.isupper() and not any(c.isdigit() for c in text):
        return True
    lower = text.lower()
    if text not in (lower, lower.capitalize()):
        return False
    return lower in WORDS or INFLECTED.fullmatch(lower) is not None


@lru_cache(maxsize=65536)
def is_telling(token: str) -> bool:
    """Whether another word in its place would tell another event."""
    if not any(c.isalnum() for c in token):
        return True
    lower = token.strip(".-+*!?#@&%~`").lower()
    if lower in TELLING:
        return True
    stem = lower.removesuffix("ing")
    if stem != lower:
        return not {stem, stem + "e", stem[:-1]}.isdisjoint(TELLING)
    return len(lower) > 4 and lower.endswith(("ed", "ly", "able", "ible"))
