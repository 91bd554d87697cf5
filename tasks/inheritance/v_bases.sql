-- cpgbuild: kind = "compute", name = "compute.bases", tags = ["inheritance"]
-- Classes with their direct bases, as symbols, in the order of the class statement: what that
-- names, then what the index says besides, but for what a stated base inherits anyhow: some name all
-- ancestors. `is_implementation` also marks overriding methods, so both ends must be types.
WITH stated AS (
  SELECT c.symbol, n.symbol AS base, MIN(b."index") AS place
  FROM v_cst_bases AS b
  JOIN v_norm_ids AS c ON b.class_id = c.node_id
  JOIN name_symbols AS n ON b.name_id = n.node_id
  WHERE n.role <> 'definition' AND c.symbol LIKE '%#' AND n.symbol LIKE '%#'
  GROUP BY c.symbol, n.symbol
),
told AS (
  SELECT symbol, target FROM v_scip_relationships
  WHERE is_implementation AND target LIKE '%#' AND symbol LIKE '%#'
),
inherited AS (
  SELECT s.symbol, t.target FROM stated AS s JOIN told AS t ON s.base = t.symbol
)
SELECT symbol, base, place FROM stated
UNION ALL
SELECT DISTINCT t.symbol, t.target AS base, NULL AS place
FROM told AS t
LEFT JOIN stated AS s ON t.symbol = s.symbol AND t.target = s.base
LEFT JOIN inherited AS i ON t.symbol = i.symbol AND t.target = i.target
WHERE s.symbol IS NULL AND i.symbol IS NULL
