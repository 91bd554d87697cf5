-- Classes with the bases as written whose class the index does not know: of packages that it does
-- not see, and results of calls.
SELECT c.symbol, 'unknown:' || b.text AS base, MIN(b."index") AS place
FROM v_cst_bases AS b
JOIN v_norm_ids AS c ON b.class_id = c.node_id
LEFT JOIN name_symbols AS n ON b.name_id = n.node_id AND n.symbol LIKE '%#'
WHERE n.node_id IS NULL
GROUP BY c.symbol, b.text
