-- Modules, functions, classes and lambdas of the tree by dotted name, whether indexed or not.
SELECT d.path, d.node_id, m.module || '.' || d.qualname AS full_name, d.name
FROM v_cst_defs AS d JOIN v_modules AS m ON d.path = m.path
UNION ALL
SELECT path, node_id, module AS full_name, REGEXP_REPLACE(module, '^.*\.', '') AS name
FROM v_modules
