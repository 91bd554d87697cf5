-- cpgbuild: kind = "compute", name = "compute.bases", tags = ["inheritance"]
-- Classes with their direct bases, as symbols: what the class statement names, and what the index
-- says of it. `is_implementation` also marks overriding methods, so both ends must be types.
WITH stated AS (
  SELECT c.symbol, n.symbol AS base
  FROM v_cst_bases AS b
  JOIN v_norm_ids AS c ON b.class_id = c.node_id
  JOIN name_symbols AS n ON b.name_id = n.node_id
  WHERE n.role <> 'definition'
)
SELECT symbol, base FROM stated WHERE base LIKE '%#' AND symbol LIKE '%#'
UNION
SELECT symbol, target AS base FROM v_scip_relationships
WHERE is_implementation AND target LIKE '%#' AND symbol LIKE '%#'
