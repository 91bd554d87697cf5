-- Classes with the methods that their objects have: of each name the first by the method
-- resolution order.
WITH found AS (
  SELECT c.path, c.node_id AS class_id, m.method_id, a."position",
    MIN(a."position") OVER (PARTITION BY c.node_id, m.name) AS nearest
  FROM class_mro AS a
  JOIN v_norm_ids AS c ON a.symbol = c.symbol
  JOIN v_norm_ids AS k ON a.ancestor = k.symbol
  JOIN methods AS m ON k.node_id = m.class_id
)
SELECT DISTINCT path, class_id, method_id,
  CASE WHEN "position" = 0 THEN 'own' ELSE 'inherited' END AS how
-- Classes of the tree all have a path; said here, it is known that no edge is without one.
FROM found WHERE "position" = nearest AND path IS NOT NULL
