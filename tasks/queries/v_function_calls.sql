-- cpgbuild: tags = ["queries"]
-- Modules, classes and functions with each function or class that they call, from the tables.
SELECT held.src AS caller_id, called.dst AS callee_id, COUNT(*) AS n_calls
FROM cpg_edges_delta AS called
JOIN cpg_edges_delta AS held ON called.src = held.dst AND held.kind = 'CONTAINS'
WHERE called.kind = 'CALL'
GROUP BY held.src, called.dst
