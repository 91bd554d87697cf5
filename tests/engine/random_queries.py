"""Random queries over tables of `k`, `v` and `w`, as SQL; each gives these columns again."""

from __future__ import annotations

from random import Random

KEYED = ("ta", "tb")
# Of these nobody says a key.
OTHERS = ("tc",)
CONDITIONS = ("v > 1", "v < 3", "w = 1", "k <> 'b'", "k = 'b'", "k is not null", "k is null")
ON = ("l.k = r.k", "l.k = r.k and l.v < r.v", "l.w = r.w", "l.k = r.k and l.w = r.w")
ON_TOO = ("l.k is not distinct from r.k", "l.v = r.v", "r.k = l.k and r.k <> 'a'")
JOINS = ("join", "left join", "right join", "full join", "left semi join", "left anti join")
REACHED = "(select 1 from ta as y where y.k = x.k)"
KEYS = ("l.k", "coalesce(l.k, r.k)", "r.k", "case when l.v > 1 then l.k else r.k end")


class Queries:
    """Draws queries, with a seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def one(self, depth: int = 3) -> str:
        """Return a query of so many operations on top of each other, or fewer."""
        if depth == 0 or self.random.random() < 0.1:
            return f"select k, v, w from {self.random.choice((*KEYED, *KEYED, *OTHERS))}"
        return self.random.choice((self.alone, self.alone, self.joined, self.together))(depth - 1)

    def alone(self, depth: int) -> str:
        """One query with something done to its rows."""
        below = self.one(depth)
        choices = (
            f"select k, v, w from ({below}) where {self.random.choice(CONDITIONS)}",
            f"select k, v + w as v, w from ({below})",
            f"select k, sum(v) as v, w from ({below}) group by k, w",
            f"select k, max(v) as v, count(*) as w from ({below}) group by k",
            f"select max(k) as k, sum(v) as v, w from ({below}) group by w",
            f"select k, sum(v) over (partition by k) as v, w from ({below})",
            f"select k, v, count(*) over (partition by w) as w from ({below})",
            f"select k, sum(v) over (partition by w, k) as v, w from ({below})",
            f"select distinct k, v, w from ({below})",
            f"select k, v, (select count(*) from {self.random.choice(KEYED)}) as w from ({below})",
            f"select k, v, w from ({below}) where v in (select v from tb where w = 1)",
            f"select k, v, w from ({below}) as x where exists {REACHED}",
            f"select k, v, w from ({below}) as x where not exists {REACHED}",
            f"select k, v, w from ({below}) where v not in (select w from tc)",
            f"select k, unnest(make_array(v, w)) as v, w from ({below})",
            f"select concat(k, '') as k, v, w from ({below})",
            f"select k, sum(v) as v, w from ({below}) group by rollup (k, w)",
        )
        return self.random.choice(choices)

    def joined(self, depth: int) -> str:
        """Two queries joined."""
        how = self.random.choice(JOINS)
        on = self.random.choice((*ON, *ON, *ON_TOO))
        half = "semi" in how or "anti" in how
        key = "l.k" if half else self.random.choice((*KEYS[:1], *KEYS))
        columns = "l.v, l.w" if half else "l.v, r.w"
        left, right = self.one(depth), self.one(depth)
        return f"select {key} as k, {columns} from ({left}) as l {how} ({right}) as r on {on}"

    def together(self, depth: int) -> str:
        """Two queries, one after the other."""
        how = self.random.choice(("union all", "union", "union all", "intersect", "except"))
        return f"select * from ({self.one(depth)}) {how} select * from ({self.one(depth)})"
