-- Methods with the method that each takes the place of: of the next class in the method
-- resolution order that has one of its name, in the tree or outside.
WITH found AS (
  SELECT own.path, own.node_id AS method_id, m.node_id AS overridden_id, a."position",
    MIN(a."position") OVER (PARTITION BY own.node_id) AS nearest
  FROM methods AS v
  JOIN v_norm_ids AS own ON v.method_id = own.node_id
  JOIN v_norm_ids AS class ON v.class_id = class.node_id
  JOIN class_mro AS a ON class.symbol = a.symbol AND a."position" > 0
  JOIN v_norm_ids AS m ON m.symbol = CONCAT(a.ancestor, v.name, '().')
)
SELECT DISTINCT path, method_id, overridden_id FROM found
-- They all have a path; said here, it is known that no edge is without one.
WHERE "position" = nearest AND path IS NOT NULL
