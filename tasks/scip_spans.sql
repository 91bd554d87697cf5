-- cpgbuild: kind = "compute", name = "compute.scip_spans", key = "path", tags = ["spans"]
-- Occurrences of symbols with spans in UTF-8 bytes from the start of the file.
-- A column that counts UTF-16 or UTF-32 units falls behind the bytes by what each wider
-- character before it in the line adds; the index's own encoding says which.
WITH places AS (
  SELECT path, position_encoding, start_line AS line, start_column AS place
  FROM v_scip_occurrences WHERE position_encoding <> 'utf8'
  UNION
  SELECT path, position_encoding, end_line AS line, end_column AS place
  FROM v_scip_occurrences WHERE position_encoding <> 'utf8'
),
widths AS (
  SELECT path, line, 'utf16' AS position_encoding, utf16 AS place, extra16 AS extra
  FROM v_cst_wide
  UNION ALL
  SELECT path, line, 'utf32' AS position_encoding, utf32 AS place, extra32 AS extra
  FROM v_cst_wide
),
-- A running sum, and no join of all places with all wide characters of a line: there are files of
-- one line. At the place of a wide character what stands there itself does not count yet.
points AS (
  SELECT path, position_encoding, line, place, 0 AS extra FROM places
  UNION ALL
  SELECT path, position_encoding, line, place, extra FROM widths
),
sums AS (
  SELECT path, line, place, extra AS own,
    CAST(SUM(extra) OVER (
      PARTITION BY path, position_encoding, line ORDER BY place, extra) AS INT) AS extra
  FROM points
),
shifts AS (
  SELECT path, line, place, extra FROM sums WHERE own = 0
)
SELECT DISTINCT
  o.path,
  CAST(first_line.start + o.start_column + COALESCE(first_shift.extra, 0) AS INT) AS start,
  CAST(last_line.start + o.end_column + COALESCE(last_shift.extra, 0) AS INT) AS "end",
  o.symbol,
  o.is_local,
  o.is_definition,
  o.is_import
FROM v_scip_occurrences AS o
JOIN v_cst_lines AS first_line ON o.path = first_line.path AND o.start_line = first_line.line
JOIN v_cst_lines AS last_line ON o.path = last_line.path AND o.end_line = last_line.line
LEFT JOIN shifts AS first_shift
  ON o.path = first_shift.path AND o.start_line = first_shift.line
 AND o.start_column = first_shift.place
LEFT JOIN shifts AS last_shift
  ON o.path = last_shift.path AND o.end_line = last_shift.line
 AND o.end_column = last_shift.place
