-- cpgbuild: tags = ["queries"]
-- Calls of what `v_sinks` lists: resolved, or by the text that is called where nothing is resolved.
SELECT held.src AS caller_id, called.src AS call_id, s.name AS sink, s.danger, 'resolved' AS how
FROM cpg_edges_delta AS called
JOIN cpg_nodes_delta AS n ON called.dst = n.node_id
JOIN v_sinks AS s ON n.full_name = s.name
JOIN cpg_edges_delta AS held ON called.src = held.dst AND held.kind = 'CONTAINS'
WHERE called.kind = 'CALL'
UNION
SELECT held.src AS caller_id, p.node_id AS call_id, s.name AS sink, s.danger, 'by name' AS how
FROM cpg_props_delta AS p
JOIN v_sinks AS s ON p.value = REGEXP_REPLACE(s.name, '^builtins\.', '')
JOIN cpg_edges_delta AS held ON p.node_id = held.dst AND held.kind = 'CONTAINS'
LEFT JOIN cpg_edges_delta AS called ON p.node_id = called.src AND called.kind = 'CALL'
WHERE p.key = 'callee' AND called.src IS NULL
