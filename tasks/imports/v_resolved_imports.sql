-- cpgbuild: kind = "compute", name = "compute.resolved_imports", key = "path", tags = ["imports"]
-- Imports with the module that each reaches: `from a import b` reaches `a.b` where that is a
-- module of the tree and the language is Python, else `a`. Modules of other packages have no path.
WITH absolute AS (
  SELECT i.path, i.node_id, i.name, m.language, m.node_id AS importer_id,
    CASE
      WHEN i.level = 0 THEN i.module
      ELSE LTRIM(ARRAY_TO_STRING(
        ARRAY_SLICE(STRING_TO_ARRAY(m.package, '.'), 1,
          CAST(ARRAY_LENGTH(STRING_TO_ARRAY(m.package, '.')) AS BIGINT) - i.level + 1), '.')
        || CASE WHEN i.module = '' THEN '' ELSE '.' || i.module END, '.')
    END AS module
  FROM v_cst_imports AS i JOIN v_modules AS m ON i.path = m.path
)
SELECT a.path, a.node_id, a.importer_id,
  COALESCE(inner_module.module, a.module) AS module,
  COALESCE(inner_module.node_id, whole.node_id, CONCAT('external:', a.module)) AS module_id,
  inner_module.node_id IS NULL AND whole.node_id IS NULL AS is_external,
  CASE WHEN a.name IS NULL THEN 'import' WHEN a.name = '*' THEN 'wildcard' ELSE 'from' END AS how
FROM absolute AS a
LEFT JOIN v_modules AS inner_module ON inner_module.module = CONCAT(a.module, '.', a.name)
  AND a.language = 'python' AND inner_module.language = a.language
LEFT JOIN v_modules AS whole ON whole.module = a.module AND whole.language = a.language
WHERE a.module <> ''
