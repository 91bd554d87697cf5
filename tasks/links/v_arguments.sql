-- cpgbuild: kind = "compute", name = "compute.arguments", key = "path", tags = ["calls"]
-- What each call is given, operators and assignments too, which are calls in the specification:
-- 0 is the object that a method is called on, the rest counts from 1 as it is written.
SELECT path, call_id, node_id AS argument_id, "index", keyword, is_splat, name_id,
  FALSE AS is_operand, COALESCE(keyword, CASE WHEN is_splat THEN '*' END) AS how
FROM v_cst_args
UNION ALL
SELECT n.path, n.parent_id AS call_id, n.node_id AS argument_id,
  -- What is assigned comes second also where an annotation stands before it.
  CASE WHEN n.field = 'right' THEN CAST(2 AS INT) ELSE n.sibling END AS "index",
  NULL AS keyword, FALSE AS is_splat, NULL AS name_id, TRUE AS is_operand, n.field AS how
FROM v_cst_nodes AS n JOIN v_cpg_kinds AS k ON n.parent_kind = k.cst_kind
WHERE k.kind = 'CALL' AND n.parent_kind NOT IN ('call', 'decorator')
  AND n.cst_kind NOT IN ('comment', 'type', 'ERROR')
