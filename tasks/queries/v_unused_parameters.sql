-- cpgbuild: tags = ["queries"]
-- Parameters that the function's body never mentions. Left out are those that a signature asks for
-- whatever the body does: of methods that override, are overridden or may be, of special methods,
-- of decorated functions, stubs and abstract methods, `self` and `cls`, names with `_` before.
WITH bound AS (
  SELECT method_id AS function_id FROM v_overrides
  UNION SELECT overridden_id AS function_id FROM v_overrides
  UNION SELECT definition_id AS function_id FROM v_decorations
  UNION
  SELECT v.method_id AS function_id
  FROM class_mro AS m
  JOIN v_norm_ids AS c ON m.symbol = c.symbol
  JOIN methods AS v ON c.node_id = v.class_id
  WHERE m.note IS NOT NULL AND m."position" = 0
),
asked AS (
  SELECT p.path, p.node_id AS param_id, p.name, p.name_id, p.function_id, p."index", f.start,
    f."end"
  FROM v_cst_params AS p
  JOIN v_cst_defs AS f ON p.function_id = f.node_id AND f.kind = 'function'
  LEFT JOIN bound AS o ON p.function_id = o.function_id
  WHERE o.function_id IS NULL AND NOT f.is_stub
    AND NOT STARTS_WITH(p.name, '_') AND p.name NOT IN ('self', 'cls')
    AND NOT (p."index" = 0 AND f.scope_kind = 'class')
    AND NOT REGEXP_LIKE(f.name, '^__.*__$')
),
mentioned AS (
  SELECT DISTINCT a.param_id
  FROM asked AS a
  JOIN v_cst_names AS n ON a.path = n.path AND a.name = n.text
  WHERE n.start >= a.start AND n."end" <= a."end" AND n.node_id <> a.name_id
    AND NOT COALESCE(n.parent_kind = 'keyword_argument' AND n.field = 'name', FALSE)
    AND NOT COALESCE(n.parent_kind = 'attribute' AND n.field = 'attribute', FALSE)
  UNION
  SELECT a.param_id
  FROM asked AS a JOIN v_cst_names AS n ON a.path = n.path
  WHERE n.text IN ('locals', 'vars') AND n.start >= a.start AND n."end" <= a."end"
)
SELECT n.full_name AS function, a.name AS parameter, a.path, n.line, a."index", a.function_id,
  a.param_id
FROM asked AS a
JOIN cpg_nodes_delta AS n ON a.function_id = n.node_id
LEFT JOIN mentioned AS m ON a.param_id = m.param_id
WHERE m.param_id IS NULL
