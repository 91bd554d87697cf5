-- cpgbuild: tags = ["queries"]
-- Modules that import each other while they are imported: a row for each module of a cycle, which
-- is named by its first member. Modules of one cycle all reach each other.
WITH RECURSIVE numbered AS (
  SELECT node_id, full_name, path, CAST(RANK() OVER (ORDER BY node_id) AS INT) AS n
  FROM cpg_nodes_delta WHERE kind = 'NAMESPACE_BLOCK' AND NOT is_external
),
steps AS (
  SELECT a.n AS a, b.n AS b
  FROM v_module_imports AS i
  JOIN numbered AS a ON i.importer_id = a.node_id
  JOIN numbered AS b ON i.module_id = b.node_id
),
reached AS (
  SELECT a, b FROM steps
  UNION
  SELECT r.a, s.b FROM reached AS r JOIN steps AS s ON r.b = s.a
),
-- Both ways between two modules, or from one to itself, is a cycle.
mutual AS (
  SELECT LEAST(a, b) AS other, GREATEST(a, b) AS member FROM reached
  GROUP BY LEAST(a, b), GREATEST(a, b) HAVING COUNT(*) = 2 OR MIN(a) = MAX(b)
),
cycles AS (
  SELECT member, MIN(other) AS first FROM mutual GROUP BY member
)
SELECT f.full_name AS cycle, m.full_name AS module,
  CAST(COUNT(*) OVER (PARTITION BY c.first) AS INT) AS n_members, m.path, m.node_id AS module_id
FROM cycles AS c
JOIN numbered AS f ON c.first = f.n
JOIN numbered AS m ON c.member = m.n
