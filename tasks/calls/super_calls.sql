-- cpgbuild: contributes_to = "v_possible_calls", tags = ["calls"]
-- Calls of `super().method()`: the method of the first class behind the class around, by
-- the method resolution order, that has it. Indexers leave these open.
WITH found AS (
  SELECT c.path, c.call_id, c.caller_id, m.symbol, m.node_id AS callee_id, m.is_external,
    a."position", MIN(a."position") OVER (PARTITION BY c.path, c.call_id) AS nearest
  FROM v_candidate_calls AS c
  JOIN v_cst_defs AS method ON c.path = method.path AND c.caller_id = method.node_id
  JOIN v_norm_ids AS class ON method.scope_id = class.node_id
  JOIN class_mro AS a ON class.symbol = a.symbol AND a."position" > 0
  JOIN v_norm_ids AS m ON m.symbol = CONCAT(a.ancestor, c.name, '().')
  WHERE c.receiver = 'super()' AND c.symbol IS NULL
)
SELECT path, call_id, caller_id, symbol, callee_id, 'super' AS how, is_external,
  'high' AS confidence, CAST(2 AS INT) AS rank
FROM found WHERE "position" = nearest
