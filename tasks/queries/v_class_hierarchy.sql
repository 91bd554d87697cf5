-- cpgbuild: tags = ["queries"]
-- Classes with all their ancestors: the place in the method resolution order, the fewest steps,
-- and one shortest way as text.
WITH RECURSIVE ways AS (
  SELECT e.src AS class_id, e.dst AS ancestor_id, 1 AS distance,
    c.name || ' > ' || b.name AS way
  FROM cpg_edges_delta AS e
  JOIN cpg_nodes_delta AS c ON e.src = c.node_id
  JOIN cpg_nodes_delta AS b ON e.dst = b.node_id
  WHERE e.kind = 'INHERITS_FROM'
  UNION
  SELECT w.class_id, e.dst AS ancestor_id, w.distance + 1 AS distance,
    w.way || ' > ' || b.name AS way
  FROM ways AS w
  JOIN cpg_edges_delta AS e ON w.ancestor_id = e.src AND e.kind = 'INHERITS_FROM'
  JOIN cpg_nodes_delta AS b ON e.dst = b.node_id
  WHERE w.distance < 30
),
shortest AS (
  SELECT class_id, ancestor_id, MIN(distance) AS distance,
    FIRST_VALUE(way ORDER BY distance, way) AS way
  FROM ways GROUP BY class_id, ancestor_id
),
placed AS (
  SELECT c.node_id AS class_id, a.node_id AS ancestor_id, MIN(m."position") AS "position"
  FROM class_mro AS m
  JOIN v_norm_ids AS c ON m.symbol = c.symbol
  JOIN v_norm_ids AS a ON m.ancestor = a.symbol
  GROUP BY c.node_id, a.node_id
)
SELECT c.full_name AS class, a.full_name AS ancestor, CAST(s.distance AS INT) AS distance,
  p."position", s.way, a.is_external, s.class_id, s.ancestor_id
FROM shortest AS s
JOIN cpg_nodes_delta AS c ON s.class_id = c.node_id
JOIN cpg_nodes_delta AS a ON s.ancestor_id = a.node_id
LEFT JOIN placed AS p ON s.class_id = p.class_id AND s.ancestor_id = p.ancestor_id
