-- cpgbuild: kind = "compute", name = "compute.modules", key = "path", tags = ["imports"]
-- Files as modules, by the name that imports use. A tree with an `__init__.py` of its own is a
-- package, named like its folder; below a folder `src` that is no package names start anew.
WITH trees AS (
  SELECT
    BOOL_OR(path = '__init__.py') AS is_package,
    BOOL_OR(path = 'src/__init__.py') AS has_package_src
  FROM cst_nested
),
named AS (
  SELECT f.path,
    CASE WHEN t.is_package THEN CONCAT(r.name, '/', f.path)
         WHEN NOT t.has_package_src THEN REGEXP_REPLACE(f.path, '^src/', '')
         ELSE f.path END AS place
  FROM cst_nested AS f CROSS JOIN trees AS t CROSS JOIN v_root AS r
),
dotted AS (
  SELECT path, REGEXP_LIKE(place, '(^|/)__init__\.pyi?$') AS is_package,
    REPLACE(REGEXP_REPLACE(place, '(/?__init__)?\.pyi?$', ''), '/', '.') AS module
  FROM named
)
SELECT path, CONCAT(path, ':module') AS node_id, module, is_package,
  CASE WHEN is_package THEN module
       ELSE REGEXP_REPLACE(module, '(^|\.)[^.]*$', '') END AS package
FROM dotted
