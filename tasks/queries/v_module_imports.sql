-- cpgbuild: tags = ["queries"]
-- Modules of the tree with the modules of the tree that running them imports: not what only a
-- function imports when it is called, nor what only a type checker sees.
WITH checked AS (
  SELECT b.path, b.start, b."end"
  FROM v_cst_names AS t
  JOIN v_cst_nodes AS c ON t.path = c.path AND t."end" = c."end" AND c.field = 'condition'
  JOIN v_cst_nodes AS b ON c.parent_id = b.parent_id AND b.field = 'consequence'
  WHERE t.text = 'TYPE_CHECKING'
)
SELECT DISTINCT r.importer_id, r.module_id
FROM v_resolved_imports AS r
JOIN v_cst_imports AS i ON r.node_id = i.node_id
LEFT JOIN v_cst_defs AS d ON i.scope_id = d.node_id
LEFT JOIN checked AS t ON i.path = t.path AND t.start <= i.start AND i."end" <= t."end"
WHERE NOT r.is_external AND r.importer_id <> r.module_id
  AND (d.kind IS NULL OR d.kind = 'class') AND t.path IS NULL
