CREATE OR REPLACE FUNCTION register_view(
  v_view TEXT, v_start_at TIMESTAMP WITH TIME ZONE DEFAULT NULL, v_lock_timeout_s BIGINT DEFAULT 300,
  v_pooling_delay_s BIGINT DEFAULT NULL, v_edge_function_url TEXT DEFAULT NULL,
  v_fill BOOLEAN DEFAULT TRUE, v_max_attempts INTEGER DEFAULT NULL
)
RETURNS SETOF views
LANGUAGE sql
BEGIN ATOMIC
  INSERT INTO views (view, start_at, lock_timeout_s, pooling_delay_s, edge_function_url, is_filled, max_attempts)
  VALUES (v_view, coalesce(v_start_at, now()), v_lock_timeout_s, v_pooling_delay_s, v_edge_function_url, v_fill,
    v_max_attempts)
  ON CONFLICT ON CONSTRAINT views_pkey DO UPDATE
  SET start_at = coalesce(v_start_at, views.start_at), lock_timeout_s = excluded.lock_timeout_s,
    pooling_delay_s = excluded.pooling_delay_s, edge_function_url = excluded.edge_function_url,
    max_attempts = excluded.max_attempts
  RETURNING *;
END;
COMMENT ON FUNCTION register_view(text, timestamptz, bigint, bigint, text, boolean, integer) IS
  'Registers a view, or changes its registration. v_start_at NULL: now for a new view; an old one keeps its progress. '
  'v_fill false: the locks of a new view are left to fill_view(), so that no append has to wait.';
