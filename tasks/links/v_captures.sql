-- cpgbuild: kind = "compute", name = "compute.captures", key = "path"
-- Functions and lambdas with the variables and parameters of functions around them that their
-- bodies use: all in one file.
WITH owned AS (
  SELECT s.path, s.symbol, p.function_id
  FROM name_symbols AS s JOIN v_cst_params AS p ON s.path = p.path AND s.node_id = p.name_id
  WHERE s.role = 'definition'
  UNION
  SELECT s.path, s.symbol, n.scope_id AS function_id
  FROM name_symbols AS s JOIN v_cst_names AS n ON s.path = n.path AND s.node_id = n.node_id
  WHERE s.role = 'definition' AND s.is_local AND NOT EXISTS (
    SELECT 1 FROM v_cst_params AS p WHERE s.path = p.path AND s.node_id = p.name_id
  )
)
SELECT DISTINCT u.path, u.scope_id AS closure_id, v.node_id AS variable_id
FROM name_symbols AS s
JOIN v_cst_names AS u ON s.path = u.path AND s.node_id = u.node_id
JOIN owned AS o ON s.path = o.path AND s.symbol = o.symbol
JOIN v_norm_ids AS v ON s.path = v.path AND s.symbol = v.symbol
JOIN v_cst_defs AS closure
  ON s.path = closure.path AND u.scope_id = closure.node_id AND closure.kind <> 'class'
JOIN v_cst_defs AS around
  ON s.path = around.path AND o.function_id = around.node_id AND around.kind <> 'class'
WHERE s.role <> 'definition' AND v.kind IN ('LOCAL', 'METHOD_PARAMETER_IN')
  -- The one lies in the other: default values are evaluated outside, and are no capture.
  AND closure.node_id <> around.node_id
  AND around.start <= closure.start AND closure."end" <= around."end"
