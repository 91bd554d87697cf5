-- Arguments with the parameters that they bind, by the rules of Python's calls. A spread argument,
-- and what is passed by position after one, may bind any parameter from its place on.
WITH calls AS (
  SELECT r.path, r.call_id, r.callee_id, r.how, c.name AS called_name, c.caller_id,
    m.binding, m.name AS method_name, m.class_id
  FROM v_resolved_calls AS r
  LEFT JOIN v_methods AS m ON r.callee_id = m.method_id
  LEFT JOIN v_candidate_calls AS c ON r.call_id = c.call_id
  WHERE NOT r.is_external
),
arguments AS (
  SELECT a.call_id, a.argument_id, a."index", a.keyword, a.is_splat, a.is_operand,
    s.symbol AS class_symbol
  FROM v_arguments AS a
  LEFT JOIN (
    SELECT DISTINCT node_id, symbol FROM name_symbols WHERE symbol LIKE '%#'
  ) AS s ON a.name_id = s.node_id
),
sites AS (
  SELECT call_id,
    MAX(CASE WHEN "index" = 0 THEN class_symbol END) AS class_receiver,
    BOOL_OR("index" = 0) AS has_receiver,
    BOOL_OR(is_operand) AS is_operator,
    MAX("index") AS last,
    MIN(CASE WHEN is_splat AND keyword IS NULL THEN "index" END) AS first_splat
  FROM arguments GROUP BY call_id
),
shifted AS (
  SELECT c.path, c.call_id, c.callee_id, c.called_name, c.method_name, s.first_splat, s.last,
    s.is_operator,
    -- `b in a` calls a method of a, `a + b` perhaps one of b.
    s.is_operator AND s.last = 2
      AND REGEXP_LIKE(c.method_name, '^__(contains|r(add|sub|mul|matmul|truediv|floordiv|mod|divmod|pow|lshift|rshift|and|xor|or))__$')
      AS is_swapped,
    CASE
      WHEN s.is_operator OR c.binding IS NULL OR c.binding = 'static' THEN 0
      WHEN c.how = 'constructor' OR c.binding = 'class' THEN 1
      -- `Class.method(object)`, and a method that is used in the body of its class.
      WHEN s.class_receiver IS NOT NULL AND c.called_name = c.method_name THEN 0
      WHEN NOT COALESCE(s.has_receiver, FALSE) AND c.caller_id = c.class_id THEN 0
      ELSE 1
    END AS given,
    COALESCE(s.has_receiver AND c.called_name = c.method_name AND c.how <> 'constructor', FALSE)
      AS gives_receiver
  FROM calls AS c LEFT JOIN sites AS s ON c.call_id = s.call_id
),
params AS (
  SELECT function_id, node_id AS param_id, "index" AS place, name, kind FROM v_cst_params
),
n_positional AS (
  SELECT function_id, COUNT(*) AS positional FROM params
  WHERE kind IN ('positional', 'positional_only') GROUP BY function_id
),
passed AS (
  SELECT s.path, s.call_id, s.callee_id, s.given, s.gives_receiver, a.argument_id, a.keyword,
    a.is_splat, a."index", COALESCE(n.positional, 0) AS positional,
    COALESCE(a."index" >= s.first_splat, FALSE) AS is_vague,
    CASE WHEN a."index" = 0 THEN 0
         WHEN s.is_swapped THEN 2 - a."index"
         ELSE a."index" - 1 + s.given END AS place,
    k.param_id AS named_id
  FROM shifted AS s
  JOIN arguments AS a ON s.call_id = a.call_id AND (a."index" > 0 OR s.given = 1)
  LEFT JOIN n_positional AS n ON s.callee_id = n.function_id
  LEFT JOIN params AS k
    ON s.callee_id = k.function_id AND a.keyword = k.name
   AND k.kind IN ('positional', 'keyword_only')
),
named AS (
  SELECT DISTINCT call_id, callee_id, named_id FROM passed WHERE named_id IS NOT NULL
)
SELECT path, call_id, callee_id, argument_id, param_id, how,
  BOOL_OR(is_certain) AS is_certain
FROM (
  SELECT p.path, p.call_id, p.callee_id, p.argument_id, q.param_id,
    CASE
      WHEN p."index" = 0 THEN 'receiver'
      WHEN q.kind IN ('args', 'kwargs') THEN q.kind
      WHEN p.is_splat THEN 'splat'
      WHEN p.keyword IS NOT NULL THEN 'keyword'
      ELSE 'positional' END AS how,
    NOT (p.is_splat OR (p.is_vague AND p.keyword IS NULL)) AS is_certain
  FROM passed AS p JOIN params AS q ON p.callee_id = q.function_id
  LEFT JOIN named AS k
    ON p.call_id = k.call_id AND p.callee_id = k.callee_id AND q.param_id = k.named_id
  WHERE CASE
    WHEN p."index" = 0 THEN p.gives_receiver AND q.place = 0
      AND q.kind IN ('positional', 'positional_only', 'args')
    WHEN p.keyword = '**' AND p.is_splat THEN
      q.kind = 'kwargs' OR (q.kind IN ('positional', 'keyword_only') AND q.place >= p.given
        AND k.named_id IS NULL)
    WHEN p.keyword IS NOT NULL THEN
      CASE WHEN p.named_id IS NULL THEN q.kind = 'kwargs' ELSE q.param_id = p.named_id END
    WHEN p.is_vague THEN
      q.kind = 'args' OR (q.kind IN ('positional', 'positional_only') AND q.place >= p.place
        AND k.named_id IS NULL)
    ELSE CASE WHEN p.place < p.positional
              THEN q.place = p.place AND q.kind IN ('positional', 'positional_only')
              ELSE q.kind = 'args' END
  END
)
GROUP BY path, call_id, callee_id, argument_id, param_id, how
