-- Control flow graphs in the language of Graphviz, a row a function.
WITH nodes AS (
  SELECT method_id, STRING_AGG(
      CONCAT('  "', node_id, '" [label="', line, ': ',
        REPLACE(REPLACE(text, '\', '\\'), '"', '\"'), '"];'),
      '
' ORDER BY number) AS lines
  FROM v_cfg_nodes GROUP BY method_id
),
ways AS (
  SELECT method_id, STRING_AGG(
      CONCAT('  "', src, '" -> "', dst, '"',
        CASE WHEN how IS NULL THEN ';' ELSE CONCAT(' [label="', how, '"];') END),
      '
' ORDER BY src, dst, how) AS lines
  FROM v_cfg_edges GROUP BY method_id
)
SELECT f.full_name, f.path, CONCAT('digraph "', f.full_name, '" {
  node [shape=box, fontname=monospace];
', n.lines, '
', w.lines, '
}') AS dot
FROM v_full_names AS f
JOIN nodes AS n ON f.node_id = n.method_id
JOIN ways AS w ON f.node_id = w.method_id
