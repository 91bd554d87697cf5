-- cpgbuild: kind = "compute", name = "compute.methods", key = "path", tags = ["calls"]
-- Functions in the body of a class, with what a call through an object gives their first
-- parameter: the object (`instance`), its class (`class`) or nothing (`static`).
WITH marked AS (
  SELECT a.path, a.node_id, MIN(c.text) AS mark
  FROM v_cst_calls AS c
  JOIN v_cst_args AS a ON c.path = a.path AND c.node_id = a.call_id AND a."index" = 1
  WHERE c.kind = 'decorator' AND c.text IN ('classmethod', 'staticmethod')
  GROUP BY a.path, a.node_id
)
SELECT d.path, d.node_id AS method_id, d.scope_id AS class_id, d.name,
  CASE
    WHEN m.mark = 'staticmethod' THEN 'static'
    WHEN m.mark = 'classmethod'
      OR d.name IN ('__new__', '__init_subclass__', '__class_getitem__') THEN 'class'
    ELSE 'instance'
  END AS binding
FROM v_cst_defs AS d LEFT JOIN marked AS m ON d.path = m.path AND d.node_id = m.node_id
WHERE d.scope_kind = 'class' AND d.kind = 'function'
