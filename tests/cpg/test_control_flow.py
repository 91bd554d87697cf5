"""Each construct's control flow, in words."""

import pytest

from tests.cpg.flows import Source, flow_in_words, in_words, row


def test_statements_follow_each_other():
    assert flow_in_words("x = 1\ny = 2") == {"ENTRY -> x = 1", "x = 1 -> y = 2", "y = 2 -> EXIT"}


def test_a_branch_goes_by_its_condition():
    assert flow_in_words("if a: x\nelif b: y\nelse: z\nw") == {
        "ENTRY -> a",
        "a -true-> x",
        "a -false-> b",
        "b -true-> y",
        "b -false-> z",
        "x -> w",
        "y -> w",
        "z -> w",
        "w -> EXIT",
    }


def test_conditions_are_cut_short():
    assert flow_in_words("if a and not (b or c): x") == {
        "ENTRY -> a",
        "a -true-> b",
        "a -false-> EXIT",
        "b -true-> EXIT",
        "b -false-> c",
        "c -true-> EXIT",
        "c -false-> x",
        "x -> EXIT",
    }


def test_values_are_cut_short_and_chosen_before_the_statement_that_needs_them():
    assert flow_in_words("x = a or b") == {
        "ENTRY -> a",
        "a -true-> x = a or b",
        "a -false-> b",
        "b -> x = a or b",
        "x = a or b -> EXIT",
    }
    assert flow_in_words("return a if b else c") == {
        "ENTRY -> b",
        "b -true-> a",
        "b -false-> c",
        "a -> return a if b else c",
        "c -> return a if b else c",
        "return a if b else c -return-> EXIT",
    }


def test_a_loop_takes_its_iterable_once_and_ends_in_its_else():
    assert flow_in_words("for x in a:\n  if b: continue\n  if c: break\nelse: y\nz") == {
        "ENTRY -> a",
        "a -> for x in a:",
        "for x in a: -true-> b",
        "b -true-> continue",
        "continue -continue-> for x in a:",
        "b -false-> c",
        "c -true-> break",
        "break -break-> z",
        "c -false-> for x in a:",
        "for x in a: -false-> y",
        "y -> z",
        "z -> EXIT",
    }


def test_while_true_is_left_by_break_alone():
    assert flow_in_words("while True:\n  if a: break\nx") == {
        "ENTRY -> True",
        "True -true-> a",
        "a -true-> break",
        "a -false-> True",
        "break -break-> x",
        "x -> EXIT",
    }


def test_an_endless_loop_has_no_way_to_the_exit():
    assert flow_in_words("while 1: a") == {"ENTRY -> 1", "1 -true-> a", "a -> 1"}


def test_what_comes_after_a_jump_has_no_predecessor():
    assert flow_in_words("return a\nx") == {
        "ENTRY -> return a",
        "return a -return-> EXIT",
        "x -> EXIT",
    }


def test_an_assertion_goes_on_or_raises():
    assert flow_in_words("assert a, b\nx") == {
        "ENTRY -> a",
        "a -true-> x",
        "a -false-> assert a, b",
        "assert a, b -exception-> EXIT",
        "x -> EXIT",
    }


def test_every_statement_of_try_may_raise_and_handlers_are_tried_in_order():
    assert flow_in_words(
        "try:\n  x\n  y\nexcept A: p\nexcept B as e: q\nelse: r\ns",
    ) == {
        "ENTRY -> x",
        "x -> y",
        "x -exception-> except A: p",
        "y -> r",
        "y -exception-> except A: p",
        "except A: p -true-> p",
        "except A: p -false-> except B as e: q",
        "except B as e: q -true-> q",
        "except B as e: q -exception-> EXIT",
        "p -> s",
        "q -> s",
        "r -> s",
        "s -> EXIT",
    }


def test_except_without_a_type_takes_all():
    assert "except: -exception-> EXIT" not in flow_in_words("try: x\nexcept: p")


def test_a_group_goes_through_all_its_handlers():
    assert flow_in_words("try: x\nexcept* A: p\nexcept* B: q\ns") == {
        "ENTRY -> x",
        "x -> s",
        "x -exception-> except* A: p",
        "except* A: p -true-> p",
        "except* A: p -false-> except* B: q",
        "p -> except* B: q",
        "p -exception-> except* B: q",
        "except* B: q -true-> q",
        "except* B: q -false-> s",
        "except* B: q -exception-> EXIT",
        "q -> s",
        "q -exception-> EXIT",
        "s -> EXIT",
    }


def test_finally_is_passed_on_every_way_out():
    body = "for i in a:\n  try:\n    if b: return x\n    if c: break\n    continue\n  finally: z\nw"
    found = flow_in_words(body)
    assert {
        "return x -return-> z",
        "break -break-> z",
        "continue -continue-> z",
        "b -exception-> z",
        "z -return-> EXIT",
        "z -break-> w",
        "z -continue-> for i in a:",
        "z -exception-> EXIT",
    } <= found
    assert "z -> for i in a:" not in found, "nothing comes to the end of the body"


def test_a_jump_passes_each_finally_around_it_from_the_inside():
    found = flow_in_words("try:\n  try: return a\n  finally: x\nfinally: y")
    assert {"return a -return-> x", "x -return-> y", "y -return-> EXIT"} <= found
    assert {"x -exception-> y", "y -exception-> EXIT"} <= found


def test_with_enters_each_manager_and_leaves_them_on_every_way_out():
    assert flow_in_words("with a as x, b: return c\ny") == {
        "ENTRY -> a as x",
        "a as x -> b",
        "b -> return c",
        "b -exception-> with a as x, b: return c",
        "return c -return-> with a as x, b: return c",
        "return c -exception-> with a as x, b: return c",
        "with a as x, b: return c -return-> EXIT",
        "with a as x, b: return c -exception-> EXIT",
        "with a as x, b: return c -> y",
        "y -> EXIT",
    }, "a manager may swallow an exception"


def test_match_tries_its_cases_in_order():
    assert flow_in_words("match a:\n  case 1: x\n  case [p] if b: y\n  case _: z\nw") == {
        "ENTRY -> a",
        "a -> case 1: x",
        "case 1: x -true-> x",
        "case 1: x -false-> case [p] if b: y",
        "case [p] if b: y -true-> b",
        "case [p] if b: y -false-> case _: z",
        "b -true-> y",
        "b -false-> case _: z",
        "case _: z -true-> z",
        "x -> w",
        "y -> w",
        "z -> w",
        "w -> EXIT",
    }


def test_a_comprehension_is_a_loop():
    assert flow_in_words("x = [p for q in a if b for r in c]") == {
        "ENTRY -> a",
        "a -> for q in a",
        "for q in a -true-> b",
        "b -true-> c",
        "b -false-> for q in a",
        "c -> for r in c",
        "for r in c -true-> p",
        "for r in c -false-> for q in a",
        "p -> for r in c",
        "for q in a -false-> x = [p for q in a if b for r in c]",
        "x = [p for q in a if b for r in c] -> EXIT",
    }


def test_yield_is_a_node():
    assert flow_in_words("x = f((yield a))") == {
        "ENTRY -> yield a",
        "yield a -> x = f((yield a))",
        "x = f((yield a)) -> EXIT",
    }


def test_a_class_runs_its_body_and_a_function_has_a_flow_of_its_own():
    body = "class A(B):\n  x\n  @d\n  def g(self): y\nz"
    assert flow_in_words(body) == {
        "ENTRY -> class A(B):",
        "class A(B): -> x",
        "x -> g",
        "g -> A",
        "A -> z",
        "z -> EXIT",
    }
    assert flow_in_words(body, "g") == {"ENTRY -> y", "y -> EXIT"}


def test_a_lambda_and_a_module_have_flows():
    source = Source("f = lambda x: x or 1\n")
    found = {name: source.function(name) for name in ("", "lambda")}
    words = {name: in_words(source, f, f.flow.edges) for name, f in found.items()}
    assert words[""] == {"ENTRY -> f = lambda x: x or 1", "f = lambda x: x or 1 -> EXIT"}
    assert words["lambda"] == {"ENTRY -> x", "x -true-> EXIT", "x -false-> 1", "1 -> EXIT"}


@pytest.mark.parametrize(
    "text",
    [
        "def f(:\n    x\n",
        "if a:\nelse:\n  while :\n",
        "try:\n  x\nexcept",
        "x = a if b else\ny = a and\nz = not\n",
        "for in :\n  pass\nwith : pass\nmatch x:\n  case\n",
        "class :\n  def (a): return [x for in y if]\n",
        "(((((",
        "\x00\xff",
        "",
        "print 'x', y\nexec 'z' in w\ndef f(a, (b, c)): raise E, v\n",
    ],
)
def test_broken_and_old_syntax_has_a_flow(text):
    found = row(text)
    assert found["methods"][0]["method"] == "module"
    nodes = {node["node"] for node in found["steps"]}
    ends = {end for edge in found["flows"] for end in (edge["src"], edge["dst"])}
    assert ends <= nodes


@pytest.mark.parametrize(
    "text",
    [
        "def f(x):\n    try:\n"
        + "        x = g(x)\n" * 20_000
        + "    except E:\n        return x\n",
        "def f(x):\n" + "    if x: x = 1\n" * 5_000 + "    return 1\n",
        "def f(x):\n    if x: y = 0\n"
        + "".join(f"    elif x == {i}: y = {i}\n" for i in range(5_000))
        + "    return y\n",
        "x = " + " and ".join(["a"] * 10_000) + "\n",
        "x = " + "a if b else " * 5_000 + "c\n",
        "x = " + "(" * 10_000 + "a" + ")" * 10_000 + "\n",
        "x = " + "lambda: " * 3_000 + "a\n",
        "".join(" " * n + "if a:\n" for n in range(2_000)) + " " * 2_000 + "pass\n",
    ],
    ids=["try", "branches", "elif", "and", "conditional", "parentheses", "lambda", "nested"],
)
def test_size_and_depth_are_limited_by_memory_only(text):
    found = row(text)
    assert len(found["dominators"]) + 3 * len(found["methods"]) >= len(found["steps"]) / 2
