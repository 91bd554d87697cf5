"""Lines and wide characters, compared with a reading of the text character by character."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from tasks.extract.text_layout import line_starts, wide_characters

TEXT = st.text(st.sampled_from("ab\n\r\x0cé日😀\u2028"), max_size=40)


@given(TEXT)
@example("")
@example("\r\r\n\n\r")
def test_a_line_starts_after_each_line_end_of_the_protocol(text):
    starts = line_starts(text.encode())
    expected = [0, *(len(text[: m.end()].encode()) for m in re.finditer(r"\r\n|\n|\r", text))]
    assert starts.tolist() == expected


@given(TEXT)
def test_each_wide_character_has_its_columns_and_extra_bytes(text):
    expected = []
    for line, words in enumerate(re.split(r"\r\n|\n|\r", text)):
        for column, character in enumerate(words):
            if not character.isascii():
                units = len(words[:column].encode("utf-16-le")) // 2
                size, wide = len(character.encode()), len(character.encode("utf-16-le")) // 2
                expected.append((line, units, column, size - wide, size - 1))
    source = text.encode()
    assert wide_characters(source, line_starts(source)) == expected
