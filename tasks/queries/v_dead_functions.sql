-- cpgbuild: tags = ["queries"]
-- Functions that nothing in the tree calls, names or exports: none that Python or a test runner
-- calls by its name, that a decorator may register, or that stands for another class's method.
-- `confidence` is low where the same name is used and nobody knows for what: an attribute of an
-- unknown object, a text that `getattr` may be given, a class with unknown bases around it.
WITH functions AS (
  SELECT path, node_id, scope_id, name, start, "end"
  FROM v_cst_defs
  WHERE kind = 'function'
    AND NOT REGEXP_LIKE(name, '^(__.*__|test.*|setUp.*|tearDown.*|main|_)$')
    AND NOT REGEXP_LIKE(path, '(^|/)(tests?|testing|conftest\.py|test_[^/]*)(/|$)')
),
-- Names that mean the function, outside of itself; an import of it counts.
used AS (
  SELECT DISTINCT f.node_id
  FROM functions AS f
  JOIN v_norm_ids AS v ON f.node_id = v.node_id
  JOIN name_symbols AS s ON v.symbol = s.symbol AND s.role <> 'definition'
  WHERE s.path <> f.path OR s.start < f.start OR s.start >= f."end"
),
called AS (
  SELECT DISTINCT callee_id AS node_id FROM v_resolved_calls WHERE callee_id <> caller_id
),
-- Names that `__all__`, `getattr` or a configuration may say, and those that nobody knows.
vague AS (
  SELECT BTRIM(name, '"''') AS name FROM v_cst_nodes
  WHERE cst_kind = 'string' AND LENGTH(name) < 80
  UNION
  -- A method of the same name is called: this one may stand for it, as with a protocol.
  SELECT m.name FROM v_resolved_calls AS r JOIN methods AS m ON r.callee_id = m.method_id
  UNION
  SELECT n.text AS name
  FROM v_cst_names AS n LEFT JOIN name_symbols AS s ON n.node_id = s.node_id
  WHERE s.node_id IS NULL AND NOT COALESCE(
    n.field = 'name' AND n.parent_kind IN ('function_definition', 'keyword_argument'), FALSE)
),
open_classes AS (
  SELECT DISTINCT v.node_id
  FROM class_mro AS m JOIN v_norm_ids AS v ON m.symbol = v.symbol
  WHERE m.note IS NOT NULL AND m."position" = 0
),
alive AS (
  SELECT node_id FROM used
  UNION SELECT node_id FROM called
  UNION SELECT method_id AS node_id FROM v_overrides
  UNION SELECT overridden_id AS node_id FROM v_overrides
  UNION SELECT definition_id AS node_id FROM v_decorations WHERE registers
)
SELECT n.full_name AS function, f.path, n.line,
  CASE WHEN v.name IS NULL AND o.node_id IS NULL THEN 'high' ELSE 'low' END AS confidence,
  f.node_id AS function_id
FROM functions AS f
JOIN cpg_nodes_delta AS n ON f.node_id = n.node_id
LEFT JOIN open_classes AS o ON f.scope_id = o.node_id
LEFT JOIN vague AS v ON f.name = v.name
LEFT JOIN alive AS a ON f.node_id = a.node_id
WHERE a.node_id IS NULL
