-- cpgbuild: tags = ["queries"]
-- Who calls a function, also through others: by the smallest number of calls between, up to three.
-- Farther away everything calls everything; `v_reaches_sink` goes all the way for a few functions.
WITH RECURSIVE inside AS (
  SELECT c.caller_id, c.callee_id
  FROM v_function_calls AS c JOIN cpg_nodes_delta AS n ON c.callee_id = n.node_id
  WHERE NOT n.is_external
),
ways AS (
  SELECT callee_id, caller_id, 1 AS distance FROM v_function_calls
  UNION
  SELECT w.callee_id, i.caller_id, w.distance + 1 AS distance
  FROM ways AS w JOIN inside AS i ON w.caller_id = i.callee_id
  WHERE w.distance < 3
),
nearest AS (
  SELECT callee_id, caller_id, CAST(MIN(distance) AS INT) AS distance
  FROM ways GROUP BY callee_id, caller_id
)
SELECT callee.full_name AS callee, caller.full_name AS caller, w.distance,
  caller.path, caller.line, w.callee_id, w.caller_id
FROM nearest AS w
JOIN cpg_nodes_delta AS callee ON w.callee_id = callee.node_id
JOIN cpg_nodes_delta AS caller ON w.caller_id = caller.node_id
