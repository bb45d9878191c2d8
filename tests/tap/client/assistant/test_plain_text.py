"""Texts of catalogues on their way to a model."""

import pytest

from tap.client.assistant.plain_text import plain, plain_json, within


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Größe von Cen A, 2″ ± 1\n\tb", "Größe von Cen A, 2″ ± 1\n\tb"),
        ("a\x00b\x1b[31mc\x7f\x9b", "ab[31mc"),
        ("\u202egnirts\u202c \u2066x\u2069\u200f", "gnirts x"),
        ("zero\u200bwidth\ufeff\u2060\u00ad", "zerowidth"),
        ("tags\U000e0049\U000e0067\U000e006e", "tags"),
        ("a\ufe0f\U000e0100b", "ab"),
        ("line\u2028sep\ue000", "linesep"),
    ],
)
def test_hidden_letters_are_taken_out(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_a_long_text_is_cut() -> None:
    assert len(plain("x" * 10**6)) < 2100
    assert plain("x" * 10**6).endswith("(cut)")


def test_values_are_such_as_json_and_javascript_can_hold() -> None:
    value = {"a\u200b": [float("nan"), float("inf"), 2**53, 2**53 + 1, -(2**60), True, None, ("x\x00",)]}
    assert plain_json(value) == {"a": ["nan", "inf", 2**53, str(2**53 + 1), str(-(2**60)), True, None, ["x"]]}


def test_as_many_items_are_kept_as_there_is_room_for() -> None:
    assert within(["aaaa", "bbbb", "c"], 12) == ["aaaa", "bbbb"]
    assert within(["ä" * 10], 21) == []
    assert within([], 0) == []
