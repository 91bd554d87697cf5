-- cpgbuild: tags = ["queries"]
-- Functions and classes with each decorator, as it is written without its arguments. `registers`
-- is false for those that are known to hand the function back and to tell nobody of it.
WITH decorators AS (
  SELECT a.node_id AS definition_id, COALESCE(made.text, plain.text) AS decorator
  FROM v_cst_args AS a
  JOIN v_cst_nodes AS e ON a.call_id = e.parent_id AND e.parent_kind = 'decorator'
  LEFT JOIN v_cst_calls AS plain ON a.call_id = plain.node_id
  LEFT JOIN v_cst_calls AS made ON e.node_id = made.node_id
  WHERE a."index" = 1 AND e.cst_kind <> 'comment'
)
SELECT definition_id, decorator,
  COALESCE(REGEXP_REPLACE(decorator, '^.*\.', ''), '') NOT IN (
    'staticmethod', 'classmethod', 'property', 'cached_property', 'abstractmethod',
    'contextmanager', 'asynccontextmanager', 'cache', 'lru_cache', 'wraps', 'total_ordering',
    'override', 'overload', 'final', 'deprecated', 'setter', 'getter', 'deleter', 'dataclass',
    'singledispatch', 'singledispatchmethod', 'coroutine', 'no_type_check') AS registers
FROM decorators
