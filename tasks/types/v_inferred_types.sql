-- cpgbuild: tags = ["types"]
-- Types that the checker inferred, of what it is asked for: functions' results, parameters,
-- variables and what calls give. Its columns count bytes, so that lines' starts are all it takes.
WITH placed AS (
  SELECT t.path, t.role, t.name, t.text,
    CAST(a.start + t.start_column AS INT) AS start,
    CAST(b.start + t.end_column AS INT) AS "end"
  FROM v_checked_types AS t
  JOIN v_cst_lines AS a ON t.path = a.path AND t.start_line = a.line
  JOIN v_cst_lines AS b ON t.path = b.path AND t.end_line = b.line
),
functions AS (
  SELECT n.path, n.start, n."end", d.node_id
  FROM v_cst_defs AS d JOIN v_cst_names AS n ON d.name_id = n.node_id
),
found AS (
  SELECT p.path, f.node_id AS target_id, p.role, p.text
  FROM placed AS p
  JOIN functions AS f ON p.path = f.path AND p.start = f.start AND p."end" = f."end"
  WHERE p.role = 'return'
  UNION
  SELECT p.path, a.node_id AS target_id, p.role, p.text
  FROM placed AS p
  JOIN functions AS f ON p.path = f.path AND p.start = f.start AND p."end" = f."end"
  JOIN v_cst_params AS a ON a.function_id = f.node_id AND a.name = p.name
  WHERE p.role = 'parameter'
  UNION
  SELECT p.path, n.node_id AS target_id, p.role, p.text
  FROM placed AS p
  JOIN v_cst_names AS n ON p.path = n.path AND p.start = n.start AND p."end" = n."end"
  WHERE p.role = 'variable'
  UNION
  -- Names are typed where they are read; one that is assigned has the type of its value.
  SELECT p.path, a.target_id, 'variable' AS role, p.text
  FROM placed AS p
  JOIN v_cst_nodes AS v ON p.path = v.path AND p.start = v.start AND p."end" = v."end"
  JOIN v_cst_assigns AS a ON a.value_id = v.node_id
  WHERE p.role = 'expression' AND a.target_kind = 'identifier'
  UNION
  SELECT p.path, c.node_id AS target_id, 'call' AS role, p.text
  FROM placed AS p
  JOIN v_cst_calls AS c ON p.path = c.path AND p.start = c.start AND p."end" = c."end"
  WHERE p.role = 'expression' AND c.kind = 'call'
),
-- What is annotated is as it is written.
annotated AS (
  SELECT role, target_id FROM v_cst_annotations
  UNION
  SELECT w.role, a.target_id
  FROM v_cst_annotations AS w JOIN v_cst_assigns AS a ON w.target_id = a.node_id
)
SELECT f.path, f.target_id, f.role, f.text
FROM found AS f
LEFT JOIN annotated AS w ON f.role = w.role AND f.target_id = w.target_id
WHERE w.target_id IS NULL
