-- Functions and lambdas with the variables and parameters of functions around them that their
-- bodies use.
WITH owned AS (
  SELECT s.symbol, p.function_id
  FROM name_symbols AS s JOIN v_cst_params AS p ON s.node_id = p.name_id
  WHERE s.role = 'definition'
  UNION
  SELECT s.symbol, n.scope_id AS function_id
  FROM name_symbols AS s JOIN v_cst_names AS n ON s.node_id = n.node_id
  LEFT JOIN v_cst_params AS p ON s.node_id = p.name_id
  WHERE s.role = 'definition' AND s.is_local AND p.name_id IS NULL
)
SELECT DISTINCT u.path, u.scope_id AS closure_id, v.node_id AS variable_id
FROM name_symbols AS s
JOIN v_cst_names AS u ON s.node_id = u.node_id
JOIN owned AS o ON s.symbol = o.symbol
JOIN v_norm_ids AS v ON s.symbol = v.symbol
JOIN v_cst_defs AS closure ON u.scope_id = closure.node_id AND closure.kind <> 'class'
JOIN v_cst_defs AS around ON o.function_id = around.node_id AND around.kind <> 'class'
WHERE s.role <> 'definition' AND v.kind IN ('LOCAL', 'METHOD_PARAMETER_IN')
  -- The one lies in the other: default values are evaluated outside, and are no capture.
  AND closure.node_id <> around.node_id
  AND around.path = closure.path AND around.start <= closure.start AND closure."end" <= around."end"
