"""Random functions that can be run, and a record of what they did.

Each statement has a line of its own. What a definition gives is the number of its line, so that a
use tells which definition reached it.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Generator
from typing import Any

VARIABLES = "abc"
DEPTH = 3


class Writer:
    """Writes the lines of one random function."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.lines = ["def f(a, b, c):"]

    def add(self, depth: int, text: str) -> None:
        """Add a line; `@` stands for its number."""
        self.lines.append("    " * depth + text.replace("@", str(len(self.lines) + 1)))

    def name(self) -> str:
        return self.chance.choice(VARIABLES)

    def use(self, raising: bool) -> str:
        """Return an expression that uses variables, and may raise where that is caught."""
        name = self.name()
        call = f"u(@, '{name}', {name})"
        return f"r({call})" if raising and self.chance.random() < 0.4 else call

    def test(self, raising: bool) -> str:
        forms = ["t({})"] * 5 + ["t({}) and t({})", "t({}) or not t({})", "not (t({}) or t({}))"]
        forms += ["(t({}) if t({}) else t({}))", f"(({self.name()} := v(@)) and t({{}}))"]
        form = self.chance.choice(forms)
        return form.format(*(self.use(raising) for _ in range(form.count("{}"))))

    def block(self, depth: int, raising: bool, loop: bool, jumps: bool = True) -> None:
        for _ in range(self.chance.randint(1, 3)):
            self.statement(depth, raising, loop, jumps)

    def statement(self, depth: int, raising: bool, loop: bool, jumps: bool) -> None:
        simple = [self.assign] * 5 + [self.call] * 2 + [self.jump] * (2 * jumps) + [self.split]
        compound = [self.if_, self.for_, self.while_, self.try_, self.with_, self.match, self.scope]
        kinds = simple + (compound * 2 if depth <= DEPTH else [])
        self.chance.choice(kinds)(depth, raising, loop, jumps)

    def assign(self, depth: int, raising: bool, loop: bool, jumps: bool) -> None:
        value = "r(v(@))" if raising and self.chance.random() < 0.3 else "v(@)"
        forms = [f"{self.name()} = {value}", f"{self.name()} = {self.name()} = {value}"]
        self.add(depth, self.chance.choice([*forms, "pass"]))

    def call(self, depth: int, raising: bool, loop: bool, jumps: bool) -> None:
        self.add(depth, self.use(raising))

    def split(self, depth: int, raising: bool, loop: bool, jumps: bool) -> None:
        name = self.name()
        forms = [
            f"{self.use(raising)} if {self.test(raising)} else {self.use(raising)}",
            f"[{self.use(raising)} for z in n(@) if {self.test(False)}]".replace(":=", "=="),
            f"{name} = v(@) or {self.use(raising)}",
            f"yield {self.use(raising)}",
        ]
        self.add(depth, self.chance.choice(forms))

    def jump(self, depth: int, raising: bool, loop: bool, jumps: bool) -> None:
        forms = ["return", f"return {self.use(raising)}", "raise E1", f"assert {self.test(False)}"]
        self.add(depth, self.chance.choice(forms + ["break", "continue"] * (2 * loop)))

    def if_(self, depth: int, raising: bool, loop: bool, jumps: bool) -> None:
        self.add(depth, f"if {self.test(raising)}:")
        self.block(depth + 1, raising, loop, jumps)
        if self.chance.random() < 0.3:
            self.add(depth, f"elif {self.test(raising)}:")
            self.block(depth + 1, raising, loop, jumps)
        if self.chance.random() < 0.5:
            self.add(depth, "else:")
            self.block(depth + 1, raising, loop, jumps)

    def for_(self, depth: int, raising: bool, loop: bool, jumps: bool) -> None:
        self.add(depth, f"for {self.name()} in n(@):")
        self.loop_body(depth, raising, loop, jumps)

    def while_(self, depth: int, raising: bool, loop: bool, jumps: bool) -> None:
        if self.chance.random() < 0.3 and jumps:
            self.add(depth, "while True:")
            self.add(depth + 1, "if not t(1):")
            self.add(depth + 2, "break")
            self.block(depth + 1, raising, True, jumps)
            return
        self.add(depth, f"while {self.test(raising).replace('not ', '')} and t(1):")
        self.loop_body(depth, raising, loop, jumps)

    def loop_body(self, depth: int, raising: bool, loop: bool, jumps: bool) -> None:
        self.block(depth + 1, raising, jumps, jumps)
        if self.chance.random() < 0.3:
            self.add(depth, "else:")
            self.block(depth + 1, raising, loop, jumps)

    def try_(self, depth: int, raising: bool, loop: bool, jumps: bool) -> None:
        ending = self.chance.choice(["except", "finally", "both", "both"])
        has_finally = ending != "except"
        self.add(depth, "try:")
        self.block(depth + 1, True, loop, jumps)
        if ending != "finally":
            star = "*" if self.chance.random() < 0.2 else ""
            inside = raising or has_finally
            kinds = self.chance.sample(["E1", "E2", "(E1, E2)"], self.chance.randint(1, 2))
            for kind in kinds + [""] * (not star and self.chance.random() < 0.3):
                self.add(depth, f"except{star} {kind}:" if kind else "except:")
                self.block(depth + 1, inside, loop and not star, jumps and not star)
            if self.chance.random() < 0.3:
                self.add(depth, "else:")
                self.block(depth + 1, inside, loop, jumps)
        if has_finally:
            self.add(depth, "finally:")
            self.block(depth + 1, raising, loop, jumps)

    def with_(self, depth: int, raising: bool, loop: bool, jumps: bool) -> None:
        second = f", M(@) as {self.name()}" if self.chance.random() < 0.3 else ""
        self.add(depth, f"with M(@) as {self.name()}{second}:")
        self.block(depth + 1, True, loop, jumps)

    def match(self, depth: int, raising: bool, loop: bool, jumps: bool) -> None:
        self.add(depth, f"match t({self.use(raising)}):")
        self.add(depth + 1, "case True:")
        self.block(depth + 2, raising, loop, jumps)
        guard = f" if {self.test(raising)}" if self.chance.random() < 0.5 else ""
        self.add(depth + 1, f"case _{guard}:")
        self.block(depth + 2, raising, loop, jumps)

    def scope(self, depth: int, raising: bool, loop: bool, jumps: bool) -> None:
        self.add(depth, self.chance.choice(["class C:", "def g(z=v(1)):"]))
        self.add(depth + 1, "pass")


def random_function(seed: int) -> str:
    writer = Writer(random.Random(seed))
    writer.block(1, raising=False, loop=False)
    writer.block(1, raising=False, loop=False)
    return "\n".join(writer.lines) + "\n"


class E1(Exception):
    pass


class E2(Exception):
    pass


class Run:
    """One run: the lines in the order in which they were executed, and who read what."""

    def __init__(self, text: str, chance: random.Random) -> None:
        self.chance = chance
        self.left = 60  # decisions that may be true
        self.lines: list[int] = []
        self.reads: set[tuple[str, int, int]] = set()
        names: dict[str, Any] = {"u": self.use, "v": lambda line: line, "r": self.risk}
        names |= {"t": self.decide, "n": self.items, "M": self.manager, "E1": E1, "E2": E2}
        exec(compile(text, "random", "exec"), names)
        self.code = names["f"].__code__
        before = sys.gettrace()
        sys.settrace(self.trace)
        try:
            result = names["f"](1, 1, 1)
            if isinstance(result, Generator):
                list(result)
        except (E1, E2, AssertionError, BaseExceptionGroup):
            pass
        finally:
            sys.settrace(before)

    def trace(self, frame: Any, event: str, argument: Any) -> Any:
        if frame.f_code is not self.code and frame.f_code.co_name != "C":
            return None
        if event == "line":
            self.lines.append(frame.f_lineno)
        return self.trace

    def use(self, line: int, name: str, value: Any) -> Any:
        self.reads.add((name, value, line))
        return value

    def risk(self, value: Any) -> Any:
        if self.chance.random() < 0.3:
            raise self.chance.choice([E1, E2])
        return value

    def decide(self, value: Any) -> bool:
        self.left -= 1
        return self.left > 0 and self.chance.random() < 0.5

    def items(self, line: int) -> list[int]:
        return [line] * self.chance.randint(0, 2)

    def manager(self, line: int) -> Manager:
        return Manager(line, self.chance.random() < 0.3)


class Manager:
    def __init__(self, line: int, swallows: bool) -> None:
        self.line, self.swallows = line, swallows

    def __enter__(self) -> int:
        return self.line

    def __exit__(self, *_: object) -> bool:
        return self.swallows
