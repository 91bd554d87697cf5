-- cpgbuild: tags = ["queries"]
-- What reaches a sink, by the fewest calls: 1 is a call of the sink itself. `how` tells whether
-- the last call is resolved, or only has the sink's name.
WITH RECURSIVE first_calls AS (
  SELECT caller_id, sink, danger, MAX(how) AS how FROM v_sink_calls
  GROUP BY caller_id, sink, danger
),
ways AS (
  SELECT caller_id, sink, danger, how, 1 AS distance FROM first_calls
  UNION
  SELECT c.caller_id, w.sink, w.danger, w.how, w.distance + 1 AS distance
  FROM ways AS w JOIN v_function_calls AS c ON w.caller_id = c.callee_id
  WHERE w.distance < 12
)
SELECT n.full_name AS caller, w.sink, w.danger, w.how, CAST(MIN(w.distance) AS INT) AS distance,
  n.path, n.line, w.caller_id
FROM ways AS w JOIN cpg_nodes_delta AS n ON w.caller_id = n.node_id
GROUP BY n.full_name, w.sink, w.danger, w.how, n.path, n.line, w.caller_id
