-- cpgbuild: kind = "compute", name = "compute.class_ancestors", tags = ["inheritance"]
-- Each class with all classes that it inherits from, itself at distance 0, and the length of
-- the shortest way. A stand-in for the method resolution order: the nearest ancestor wins.
WITH RECURSIVE ways AS (
  SELECT symbol, symbol AS ancestor, 0 AS distance
  FROM v_norm_ids WHERE kind = 'TYPE_DECL' AND NOT is_external
  UNION
  SELECT w.symbol, b.base AS ancestor, w.distance + 1 AS distance
  FROM ways AS w JOIN v_bases AS b ON w.ancestor = b.symbol
  WHERE w.distance < 30
)
SELECT symbol, ancestor, CAST(MIN(distance) AS INT) AS distance
FROM ways GROUP BY symbol, ancestor
