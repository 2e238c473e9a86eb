"""Polling."""

from stack.polling import wait_until


def test_a_condition_is_asked_until_it_is_true():
    answers = [False, False, True]
    assert wait_until(lambda: answers.pop(0), seconds=60, pause=0)
    assert answers == []


def test_a_condition_that_stays_false_is_given_up_and_was_asked_at_least_once():
    asked = []
    assert not wait_until(lambda: asked.append("once more"), seconds=0, pause=0.01)
    assert asked
