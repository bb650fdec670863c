"""What is in use, what was before it, and where that is kept."""

import pytest

from biglog import registry
from biglog.errors import BadInput
from biglog.registry import InUse


@pytest.fixture
def choice(tmp_path):
    return tmp_path / "home" / "choice.json"


def test_nothing_is_chosen_at_first(choice):
    assert registry.in_use(choice) == InUse()
    assert not choice.exists()


def test_each_choice_remembers_the_one_before(choice):
    for one in ("first", "second", "second", "third"):
        registry.take(choice, one)
    assert registry.in_use(choice) == InUse("third", ("", "first", "second"))


def test_going_back_forgets_what_was_left(choice):
    for one in ("first", "second", "first"):
        registry.take(choice, one)
    assert [registry.go_back(choice).now for _ in range(3)] == ["second", "first", ""]
    assert registry.in_use(choice) == InUse()


def test_a_file_of_something_else_is_refused(choice):
    choice.parent.mkdir()
    choice.write_text('{"now": 3}')
    with pytest.raises(BadInput, match="choice"):
        registry.in_use(choice)
