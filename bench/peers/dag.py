"""The generated graph of models that every project is written from.

S = N / 10 Parquet sources. 30 % of the N models are staging models: each reads one source, never
its column `unused`, and keeps rows with `v1 >= least`, `least` being 10 or more. 65 % are
intermediate, in four layers; each reads one to four models of earlier layers. 5 % are marts over
the last layers.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field

STAGING, MART = 0, 5
SEED = 7
HELPED = 12  # staging models that are written with the helpers
SIZED = 4  # of those, the ones with a column from the second helper


@dataclass
class Model:
    """One model. What an edit changes is set here, and the model is then written anew."""

    name: str
    layer: int
    reads: list[str]  # models
    number: int  # makes one query differ from the next
    source: int = -1
    least: int = 0
    alias: str = "s"
    remark: str = ""
    spaced: bool = False
    extra: bool = False  # with a column that no model reads
    helped: bool = False
    sized: bool = False

    @property
    def table(self) -> bool:
        """Whether it is stored where staging and intermediate models are views."""
        return self.layer == MART


@dataclass
class Helpers:
    """The two functions that the helped models are written with, in each tool's own language."""

    modulus: int = 10  # size_class(column) is column % modulus; no model reads what it gives
    refactored: bool = False  # is_kept(column, least) is written in other words


@dataclass
class Dag:
    """All models by name, in an order in which they can be made, and the helpers."""

    models: dict[str, Model]
    sources: int
    helpers: Helpers = field(default_factory=Helpers)

    def staging(self) -> list[Model]:
        """Return the models that read sources."""
        return [m for m in self.models.values() if m.layer == STAGING]

    def marts(self) -> list[Model]:
        """Return the models of the last layer."""
        return [m for m in self.models.values() if m.layer == MART]

    def helped(self) -> list[Model]:
        """Return the models that are written with the helpers."""
        return [m for m in self.models.values() if m.helped]

    def on_source(self, source: int) -> list[Model]:
        """Return the staging models of a source."""
        return [m for m in self.staging() if m.source == source]

    def downstream(self, roots: Iterable[str]) -> set[str]:
        """Return the models that read `roots`, directly or through others."""
        reached = set(roots)
        for model in self.models.values():
            if reached.intersection(model.reads):
                reached.add(model.name)
        return reached.difference(roots)

    def middle(self) -> Model:
        """Return the staging model that is edited: of those under a mart, the median by reach."""
        marts = {m.name for m in self.marts()}
        reaches = [
            (len(d), m.name) for m in self.staging() if marts & (d := self.downstream([m.name]))
        ]
        return self.models[sorted(reaches)[len(reaches) // 2][1]]


def make_dag(count: int) -> Dag:
    """Return the graph of `count` models; the same one every time."""
    rnd = random.Random(SEED)
    sources = max(4, count // 10)
    staging, marts = int(count * 0.30), max(1, int(count * 0.05))
    layers = [[_staging_model(i, sources) for i in range(staging)]]
    serial = 0
    for depth, size in enumerate(_quarters(count - staging - marts), 1):
        layers.append([_intermediate(rnd, depth, serial + i, layers) for i in range(size)])
        serial += size
    layers.append([_mart(rnd, i, layers) for i in range(marts)])
    dag = Dag({m.name: m for layer in layers for m in layer}, sources)
    _choose_helped(dag)
    return dag


def _staging_model(i: int, sources: int) -> Model:
    return Model(f"stg_{i:05d}", STAGING, [], 0, source=i % sources, least=10 + i % 7)


def _quarters(count: int) -> list[int]:
    return [count // 4 + (k < count % 4) for k in range(4)]


def _intermediate(rnd: random.Random, depth: int, serial: int, layers: list[list[Model]]) -> Model:
    reads = _intermediate_reads(rnd, layers)
    return Model(f"int_{depth - 1}_{serial:05d}", depth, reads, rnd.randrange(1000))


def _intermediate_reads(rnd: random.Random, layers: list[list[Model]]) -> list[str]:
    fan = rnd.choices([1, 2, 3, 4], [60, 25, 10, 5])[0]
    reads = [rnd.choice(layers[-1]).name]
    while len(reads) < fan:
        layer = layers[-1] if rnd.random() < 0.6 else rnd.choice(layers)
        name = rnd.choice(layer).name
        if name not in reads:
            reads.append(name)
    return reads


def _mart(rnd: random.Random, i: int, layers: list[list[Model]]) -> Model:
    fan = rnd.choice([1, 2, 3])
    reads: list[str] = []
    while len(reads) < fan:
        name = rnd.choice(layers[-1] if rnd.random() < 0.7 else layers[-2]).name
        if name not in reads:
            reads.append(name)
    return Model(f"mart_{i:05d}", MART, reads, i)


def _choose_helped(dag: Dag) -> None:
    """Mark models that something reads, and that share no source with the model that is edited."""
    source = dag.middle().source
    read = {name for m in dag.models.values() for name in m.reads}
    helped = [m for m in dag.staging() if m.name in read and m.source != source][:HELPED]
    for i, model in enumerate(helped):
        model.helped = True
        model.sized = i % (HELPED // SIZED) == 0
