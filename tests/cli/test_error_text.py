"""Errors as text: the mark stands under its word, and nothing of a user's text is lost."""

import pytest

from cpgbuild.cli.errors_text import report_text
from cpgbuild.errors.report import Place, Report


@pytest.fixture
def shown(tmp_path):
    """Render an error about a line of a file."""

    def render(line="", column=0, length=0, **more):
        (tmp_path / "a.sql").write_text(f"{line}\n", encoding="utf-8")
        place = Place(str(tmp_path / "a.sql"), 1, column, length)
        return report_text(Report("E000", "it is wrong", place, **more), tmp_path).plain

    return render


def test_all_parts_in_their_order(shown):
    text = shown("SELECT a", 8, 1, facts=(("read by", "`x`"), ("known", "`b`")), hint="did you?")
    assert text == (
        "error[E000]: it is wrong\n"
        "  --> a.sql:1:8\n"
        "  |\n"
        "1 | SELECT a\n"
        "  |        ^\n"
        "  read by  `x`\n"
        "  known    `b`\n"
        "\n"
        "hint: did you?\n"
    )


def test_an_error_without_a_place_is_its_fact_alone(tmp_path):
    assert (
        report_text(Report("E000", "it is wrong"), tmp_path).plain == "error[E000]: it is wrong\n"
    )


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("\tSELECT\ta", "a"),
        ("SELECT '名前', a", "a"),
        ('SELECT "é", a', "a"),
        ("SELECT 名前", "名前"),
    ],
)
def test_the_mark_stands_under_its_word(shown, line, word):
    from rich.cells import cell_len

    column = line.rindex(word) + 1
    _, _, _, source, mark = shown(line, column, len(word)).splitlines()
    before = mark.partition("^")[0]
    assert cell_len(before.expandtabs()) == cell_len(source.rpartition(word)[0].expandtabs())
    assert mark.count("^") == cell_len(word)


def test_a_mark_does_not_go_beyond_its_line(shown):
    assert shown("SELECT a", 8, 99).splitlines()[-1] == "  |        ^"


def test_a_line_that_is_known_alone_is_shown_without_a_mark(shown):
    assert shown("SELECT a").splitlines()[-1] == "1 | SELECT a"


def test_a_file_that_is_gone_or_shorter_is_named_without_its_line(tmp_path):
    place = Place(str(tmp_path / "gone.sql"), 3, 1, 1)
    assert report_text(Report("E000", "x", place), tmp_path).plain.endswith("--> gone.sql:3:1\n")
    (tmp_path / "gone.sql").write_text("one line\n")
    assert report_text(Report("E000", "x", place), tmp_path).plain.endswith("--> gone.sql:3:1\n")


def test_paths_elsewhere_are_whole(tmp_path):
    place = Place("/elsewhere/a.sql", 1)
    assert "--> /elsewhere/a.sql:1" in report_text(Report("E000", "x", place), tmp_path).plain


def test_brackets_are_no_markup(shown):
    assert "[bold]x[/bold]" in shown("SELECT [bold]x[/bold]")
