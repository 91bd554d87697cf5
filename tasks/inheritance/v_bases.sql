-- Classes with their direct bases, as symbols: what the class statement names, and what the index
-- says of it, but for what a stated base inherits anyhow: some name all ancestors. `is_implementation` also marks overriding methods, so both ends must be types.
WITH stated AS (
  SELECT c.symbol, n.symbol AS base
  FROM v_cst_bases AS b
  JOIN v_norm_ids AS c ON b.class_id = c.node_id
  JOIN name_symbols AS n ON b.name_id = n.node_id
  WHERE n.role <> 'definition'
),
told AS (
  SELECT symbol, target FROM v_scip_relationships
  WHERE is_implementation AND target LIKE '%#' AND symbol LIKE '%#'
)
SELECT symbol, base FROM stated WHERE base LIKE '%#' AND symbol LIKE '%#'
UNION
SELECT r.symbol, r.target AS base FROM told AS r
LEFT JOIN (
  SELECT s.symbol, t.target FROM stated AS s JOIN told AS t ON s.base = t.symbol
) AS inherited ON r.symbol = inherited.symbol AND r.target = inherited.target
WHERE inherited.symbol IS NULL
