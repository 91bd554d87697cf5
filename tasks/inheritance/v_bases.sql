-- Classes with their direct bases, as symbols, in the order of the class statement: what that
-- names, then what the index says besides. `is_implementation` also marks overriding methods, so
-- both ends must be types.
WITH stated AS (
  SELECT c.symbol, n.symbol AS base, b."index" AS place
  FROM v_cst_bases AS b
  JOIN v_norm_ids AS c ON b.class_id = c.node_id
  JOIN name_symbols AS n ON b.name_id = n.node_id
  WHERE n.role <> 'definition'
  UNION ALL
  SELECT symbol, target AS base, NULL AS place FROM v_scip_relationships
  WHERE is_implementation
)
SELECT symbol, base, MIN(place) AS place FROM stated
WHERE base LIKE '%#' AND symbol LIKE '%#'
GROUP BY symbol, base
