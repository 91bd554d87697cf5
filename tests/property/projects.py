"""Random projects for Hypothesis: each dataset reads only those that were made before it."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.property.recipes import Formula, Project, Read, Recipe, Rows, SourceState

SOURCES = ("s0", "s1", "s2")
# The columns that `v` is made of, and those that `x` is made of.
COLUMNS = ((("v",), ("x",)), (("v",), ("v", "x")), ((), ("v",)), (("x",), ()), (("v",), ()))
HOW = ("sum", "sum", "parity", "parity", "least", "constant")

formulas = st.builds(Formula, st.integers(0, 2), st.sampled_from(HOW))


@st.composite
def reads(draw: st.DrawFn, known: list[str]) -> tuple[Read, ...]:
    """Up to three inputs. The newest come first, or chains would stay short."""
    chosen = draw(st.lists(st.sampled_from(known), max_size=3, unique=True))
    return tuple(Read(d, *draw(st.sampled_from(COLUMNS))) for d in chosen)


@st.composite
def projects(draw: st.DrawFn, max_datasets: int = 7) -> Project:
    """Sources, and up to `max_datasets` others of all kinds, some with several producers."""
    recipes: dict[str, Recipe] = {}
    datasets: list[str] = []
    for number in range(draw(st.integers(3, max_datasets))):
        known = [*reversed(datasets), *SOURCES]
        dataset = f"d{number}"
        parts = draw(st.sampled_from(("", "", "", "ab")))
        for part in parts or [""]:
            recipe = draw(_recipe(dataset, part, known))
            recipes[recipe.name] = recipe
        datasets.append(dataset)
    eager = draw(st.integers(0, 7))
    sources = {
        name: SourceState(
            Rows(1, draw(st.integers(0, 2)), draw(st.integers(0, 2))), eager=bool(eager >> i & 1)
        )
        for i, name in enumerate(SOURCES)
    }
    return Project(sources, recipes)


@st.composite
def _recipe(draw: st.DrawFn, dataset: str, part: str, known: list[str]) -> Recipe:
    kind = draw(st.sampled_from(("compute", "view")))
    lanes = ("engine", "python") if kind == "compute" else ("engine",)
    chance = draw(st.sampled_from(("",) * 10 + ("volatile", "unstable", "unstable")))
    return Recipe(
        name=f"{kind}.{dataset}{part}",
        dataset=dataset,
        kind=kind,
        reads=draw(reads(known)),
        v=draw(formulas),
        x=draw(formulas),
        part=part,
        lane=draw(st.sampled_from(lanes)),
        priority=draw(st.sampled_from((100, 50, 150))),
        volatile=chance == "volatile",
        unstable=chance == "unstable",
    )
