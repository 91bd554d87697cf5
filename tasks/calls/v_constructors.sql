-- What calling a class calls: the first `__init__`, or what an index calls so, by the method
-- resolution order.
WITH found AS (
  SELECT a.symbol, i.symbol AS init_symbol, i.node_id AS init_id, i.is_external AS init_is_external,
    a."position", MIN(a."position") OVER (PARTITION BY a.symbol) AS nearest
  FROM class_mro AS a
  CROSS JOIN (VALUES ('__init__().'), ('`<constructor>`().')) AS names (name)
  JOIN v_norm_ids AS i ON i.symbol = CONCAT(a.ancestor, names.name)
)
SELECT symbol, init_symbol, init_id, init_is_external FROM found WHERE "position" = nearest
