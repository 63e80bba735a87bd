import pytest

from recurra.errors import ConfigError
from recurra.experiment.checks import fits, mistyped
from recurra.experiment.settings import differences, merge, parse_setting, read_toml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a=1", 1),
        ("a=1.5", 1.5),
        ("a=1e-3", 1e-3),
        ("a=true", True),
        ("a=adam", "adam"),
        ('a="1"', "1"),
        ("a=[1, 2]", [1, 2]),
        ("a=", ""),
        ("a=x=y", "x=y"),
        ("a=" + "[" * 5000, "[" * 5000),
    ],
)
def test_values_are_toml_or_text(text, value):
    key, found = parse_setting(text)
    assert (key, found, type(found)) == ("a", value, type(value))


@pytest.mark.parametrize("text", ["units", "=3", " =3"])
def test_a_setting_needs_a_key_and_a_value(text):
    with pytest.raises(ConfigError, match="key=value"):
        parse_setting(text)


def test_settings_go_over_the_file_and_the_file_is_untouched():
    file = {"data": {"dt": 0.1}, "seed": 1}
    merged, problems = merge(file, [("data.dt", 0.2), ("data.parameters.rho", 14)], {"seed": None})
    assert merged == {"data": {"dt": 0.2, "parameters": {"rho": 14}}, "seed": 1}
    assert file == {"data": {"dt": 0.1}, "seed": 1}
    assert problems == []


def test_neither_of_two_values_is_dropped():
    _, problems = merge({}, [("seed", 1)], {"seed": 2})
    assert problems == ["seed is given twice: 1 and 2"]
    _, problems = merge({"data": 3}, [("data.dt", 1)], {})
    assert problems == ["data.dt: 'data' is not a table"]


@pytest.mark.bad_input(43)
@pytest.mark.parametrize("content", ["a = 1\na = 2", "a = " + "9" * 5000, "a = " + "[" * 3000 + "]" * 3000, "a = "])
def test_hostile_toml_is_one_error(tmp_path, content):
    path = tmp_path / "c.toml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"c\.toml is not valid TOML") as caught:
        read_toml(path)
    assert caught.value.exit_code == 2


def test_toml_files_that_are_not_there(tmp_path):
    for path in (tmp_path / "absent.toml", tmp_path):
        with pytest.raises(ConfigError, match="no such configuration"):
            read_toml(path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not valid TOML"):
        read_toml(tmp_path / "binary")


def test_differences_name_both_sides():
    lines = differences({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}, "d": 4})
    assert lines == ["a.c: 2 there, 3 now", "d: 'absent' there, 4 now"]


@pytest.mark.parametrize(
    ("value", "hint", "good"),
    [
        (1, float, True),
        (True, float, False),
        (True, int, False),
        (1.0, int, False),
        ("1", float, False),
        (float("nan"), float, False),
        (float("inf"), float | None, False),
        (None, float | None, True),
        (["x"], list[str], True),
        ([1], list[str], False),
        ("x", list[str], False),
        ({}, dict[str, int], True),
        (1, bool, False),
    ],
)
def test_types(value, hint, good):
    assert fits(value, hint) is good
    assert bool(mistyped("k", value, hint)) is not good
