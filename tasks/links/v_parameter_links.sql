-- cpgbuild: kind = "compute", name = "compute.parameter_links", key = "path", tags = ["calls"]
-- Arguments with the parameters that they bind, by the rules of Python's calls. A spread argument,
-- and what is passed by position after one, may bind any parameter from its place on.
WITH classes AS (
  SELECT DISTINCT path, node_id, symbol FROM name_symbols WHERE symbol LIKE '%#'
),
passed AS (
  SELECT r.path, r.call_id, r.callee_id, r.how, a.argument_id, a."index", a.keyword, a.is_splat,
    a.is_operand, r.caller_id, m.binding, m.class_id, m.name AS method_name,
    COALESCE(c.name = m.name, FALSE) AS is_by_name,
    BOOL_OR(a."index" = 0) OVER site AS has_receiver,
    BOOL_OR(a."index" = 0 AND k.symbol IS NOT NULL) OVER site AS has_class,
    MAX(a."index") OVER site AS last,
    MIN(CASE WHEN a.is_splat AND a.keyword IS NULL THEN a."index" END) OVER site AS first_splat
  FROM v_resolved_calls AS r
  JOIN v_arguments AS a ON r.path = a.path AND r.call_id = a.call_id
  LEFT JOIN methods AS m ON r.callee_id = m.method_id
  LEFT JOIN v_cst_calls AS c ON r.path = c.path AND r.call_id = c.node_id
  LEFT JOIN classes AS k ON r.path = k.path AND a.name_id = k.node_id
  WHERE NOT r.is_external
  WINDOW site AS (PARTITION BY r.path, r.call_id, r.callee_id)
),
-- How many parameters the call fills without an argument: the object, or its class.
filled AS (
  SELECT *,
    CASE
      WHEN is_operand OR binding IS NULL OR binding = 'static' THEN 0
      WHEN how = 'constructor' OR binding = 'class' THEN 1
      -- `Class.method(object)`, and a method that is used in the body of its class.
      WHEN has_class AND is_by_name THEN 0
      WHEN NOT has_receiver AND caller_id = class_id THEN 0
      ELSE 1
    END AS given
  FROM passed
),
params AS (
  SELECT *,
    kind IN ('positional', 'positional_only') AS is_positional,
    kind IN ('positional', 'keyword_only') AS is_named
  FROM parameters
),
placed AS (
  SELECT *,
    CASE
      WHEN "index" = 0 THEN 0
      -- `b in a` calls a method of a, and `a + b` perhaps one of b.
      WHEN is_operand AND last = 2 AND (method_name = '__contains__' OR REGEXP_LIKE(method_name,
        '^__r(add|sub|mul|matmul|truediv|floordiv|mod|divmod|pow|lshift|rshift|and|x?or)__$'))
        THEN 2 - "index"
      ELSE "index" - 1 + given
    END AS place,
    COALESCE("index" >= first_splat AND keyword IS NULL, FALSE) AS is_spread
  FROM filled
  WHERE "index" > 0 OR (given = 1 AND is_by_name AND how <> 'constructor')
),
-- Each argument beside each parameter, and whether a keyword names the parameter.
pairs AS (
  SELECT a.*, p.param_id, p.kind, p.place AS param_place, p.is_positional, p.is_named,
    p.n_positional, COALESCE(p.is_named AND a.keyword = p.name, FALSE) AS is_same,
    BOOL_OR(COALESCE(p.is_named AND a.keyword = p.name, FALSE))
      OVER (PARTITION BY a.path, a.call_id, a.callee_id, p.param_id) AS is_taken,
    BOOL_OR(COALESCE(p.is_named AND a.keyword = p.name, FALSE))
      OVER (PARTITION BY a.path, a.call_id, a.callee_id, a.argument_id, a."index") AS has_same
  FROM placed AS a JOIN params AS p ON a.callee_id = p.function_id
)
SELECT path, call_id, callee_id, argument_id, param_id,
  CASE
    WHEN "index" = 0 THEN 'receiver'
    WHEN kind IN ('args', 'kwargs') THEN kind
    WHEN is_splat THEN 'splat'
    WHEN keyword IS NOT NULL THEN 'keyword'
    ELSE 'positional'
  END AS how,
  NOT is_splat AND NOT is_spread AS is_certain
FROM pairs
WHERE CASE
  WHEN "index" = 0 THEN param_place = 0 AND (is_positional OR kind = 'args')
  WHEN is_splat AND keyword IS NOT NULL THEN
    kind = 'kwargs' OR (is_named AND param_place >= given AND NOT is_taken)
  WHEN keyword IS NOT NULL THEN is_same OR (kind = 'kwargs' AND NOT has_same)
  WHEN is_spread THEN kind = 'args' OR (is_positional AND param_place >= place AND NOT is_taken)
  WHEN place < n_positional THEN is_positional AND param_place = place
  ELSE kind = 'args'
END
