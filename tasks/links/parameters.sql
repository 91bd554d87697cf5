-- cpgbuild: kind = "compute", name = "compute.parameters", key = "path", tags = ["calls"]
-- Parameters of functions and lambdas, in their order, with how many take arguments by position.
SELECT path, function_id, node_id AS param_id, "index" AS place, name, kind,
  SUM(CASE WHEN kind IN ('positional', 'positional_only') THEN 1 ELSE 0 END)
    OVER (PARTITION BY path, function_id) AS n_positional
FROM v_cst_params
