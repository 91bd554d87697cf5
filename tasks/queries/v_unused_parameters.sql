-- cpgbuild: tags = ["queries"]
-- Parameters that the function's body never mentions. Left out are those that a signature asks for
-- whatever the body does: of methods that override, are overridden or may be, of special methods,
-- of decorated functions, stubs and abstract methods, `self` and `cls`, names with `_` before.
WITH asked AS (
  SELECT p.path, p.node_id AS param_id, p.name, p.name_id, p.function_id, p."index", f.scope_id,
    f.start, f."end"
  FROM v_cst_params AS p
  JOIN v_cst_defs AS f ON p.function_id = f.node_id AND f.kind = 'function'
  WHERE NOT f.is_stub
    AND NOT STARTS_WITH(p.name, '_') AND p.name NOT IN ('self', 'cls')
    AND NOT (p."index" = 0 AND f.scope_kind = 'class')
    AND NOT REGEXP_LIKE(f.name, '^__.*__$')
),
-- By its own name, or with all others by a call.
ways AS (
  SELECT *, UNNEST(MAKE_ARRAY(name, 'locals', 'vars')) AS way FROM asked
),
unmentioned AS (
  SELECT a.path, a.param_id, a.name, a.function_id, a."index", a.scope_id
  FROM ways AS a
  LEFT JOIN v_cst_names AS n
    ON a.path = n.path AND a.way = n.text AND n.start >= a.start AND n."end" <= a."end"
    AND n.node_id <> a.name_id
    AND (a.way = a.name OR COALESCE(n.parent_kind = 'call' AND n.field = 'function', FALSE))
    AND NOT COALESCE(n.parent_kind = 'keyword_argument' AND n.field = 'name', FALSE)
    AND NOT COALESCE(n.parent_kind = 'attribute' AND n.field = 'attribute', FALSE)
  GROUP BY a.path, a.param_id, a.name, a.function_id, a."index", a.scope_id
  HAVING COUNT(n.node_id) = 0
),
bound AS (
  SELECT UNNEST(MAKE_ARRAY(method_id, overridden_id)) AS function_id FROM v_overrides
  UNION ALL
  -- Of a decorator the definition is the argument.
  SELECT node_id AS function_id FROM v_cst_args WHERE REGEXP_LIKE(call_id, ':decorator(~\d+)?$')
),
open_classes AS (
  SELECT c.node_id
  FROM class_mro AS m JOIN v_norm_ids AS c ON m.symbol = c.symbol
  WHERE m.note IS NOT NULL AND m."position" = 0
)
SELECT n.full_name AS function, u.name AS parameter, u.path, n.line, u."index", u.function_id,
  u.param_id
FROM unmentioned AS u
JOIN cpg_nodes_delta AS n ON u.function_id = n.node_id
WHERE NOT EXISTS (SELECT 1 FROM bound AS b WHERE b.function_id = u.function_id)
  AND NOT EXISTS (SELECT 1 FROM open_classes AS o WHERE o.node_id = u.scope_id)
