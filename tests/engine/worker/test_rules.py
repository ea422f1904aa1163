from __future__ import annotations

from app.engine.worker.rules import Call, Characters, Rule, Symbol, endless, nullable

X = Characters((1, 2))


def rule(*alternatives: tuple[Symbol, ...], is_loop: bool = False) -> Rule:
    return Rule("r", 0, list(alternatives), is_defined=True, is_loop=is_loop)


def test_what_may_take_nothing() -> None:
    rules = [rule((Call(1), Call(2))), rule(()), rule((X,), (Call(1),)), rule((Call(2), X)), rule((Call(4),))]
    assert nullable(rules) == {0, 1, 2}


def test_right_recursion_ends() -> None:
    assert endless([rule((X, Call(0)), (X,))]) is None


def test_left_recursion_does_not() -> None:
    rules = [rule((X, Call(1))), rule((Call(2), X)), rule((Call(1),), (X,))]
    assert endless(rules) is rules[1]


def test_recursion_behind_what_may_be_nothing_does_not() -> None:
    rules = [rule((Call(1), Call(0), X)), rule((Call(2),)), rule(())]
    assert endless(rules) is rules[0]
    assert endless([rule((Call(1), Call(0), X)), rule((X,))]) is None


def test_a_loop_over_what_may_be_nothing_ends() -> None:
    assert endless([rule((Call(1), Call(0)), (), is_loop=True), rule(())]) is None
