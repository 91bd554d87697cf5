-- cpgbuild: kind = "compute", name = "compute.modules", key = "path", tags = ["imports"]
-- Files as modules, by the name that imports use. A tree with an `__init__.py` of its own is a
-- package, named like its folder; below a folder `src` that is no package names start anew.
-- A module of TypeScript is a file by its path, `index` its folder.
WITH trees AS (
  SELECT
    BOOL_OR(path = '__init__.py') AS is_package,
    BOOL_OR(path = 'src/__init__.py') AS has_package_src
  FROM cst_nested
),
named AS (
  SELECT f.path, f.language,
    CASE WHEN f.language <> 'python' THEN f.path
         WHEN t.is_package THEN CONCAT(r.name, '/', f.path)
         WHEN NOT t.has_package_src THEN REGEXP_REPLACE(f.path, '^src/', '')
         ELSE f.path END AS place
  FROM cst_nested AS f CROSS JOIN trees AS t CROSS JOIN v_root AS r
  WHERE f.language IS NOT NULL
),
dotted AS (
  SELECT path, language,
    REGEXP_LIKE(place, '(^|/)(__init__\.pyi?|index(\.d)?\.[cm]?tsx?)$') AS is_package,
    REPLACE(CASE
      WHEN language = 'python' THEN REGEXP_REPLACE(place, '(/?__init__)?\.pyi?$', '')
      ELSE REGEXP_REPLACE(REGEXP_REPLACE(place, '(\.d)?\.[cm]?tsx?$', ''), '(^|/)index$', '')
    END, '/', '.') AS module
  FROM named
)
SELECT path, language, CONCAT(path, ':module') AS node_id, module, is_package,
  CASE WHEN is_package THEN module
       ELSE REGEXP_REPLACE(module, '(^|\.)[^.]*$', '') END AS package
FROM dotted
