CREATE OR REPLACE FUNCTION nearest_names(v_name text, v_candidates text[])
RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
  -- The share of letter pairs in common tells a misspelling from another word well enough, without an extension.
  WITH pairs AS (
    SELECT c.name, lower(substr(c.name, i, 2)) AS pair
    FROM unnest(v_candidates || v_name) AS c (name), generate_series(1, greatest(length(c.name) - 1, 1)) AS i
  ), likeness AS (
    SELECT p.name, 2.0 * count(DISTINCT p.pair) / (length(p.name) + length(v_name) - 2 + 0.01) AS score
    FROM pairs AS p
    WHERE p.pair IN (SELECT q.pair FROM pairs AS q WHERE q.name = v_name)
    GROUP BY p.name
  ), nearest AS (
    SELECT name, score FROM likeness WHERE name <> v_name AND score >= 0.3 ORDER BY score DESC, name LIMIT 3
  )
  SELECT string_agg(quote_ident(name), ', ' ORDER BY score DESC, name) FROM nearest;
END;
COMMENT ON FUNCTION nearest_names(text, text[]) IS 'The up to three candidates most like a misspelled name, or NULL.';
