-- What happens on every change, made after the books are loaded: updated_at, and a list of who changed how many rows.
CREATE FUNCTION sandbox.moment() RETURNS timestamptz LANGUAGE sql STABLE AS $$
  -- The sandbox's clock: its offset is a setting of the roles that sign in.
  SELECT clock_timestamp() + coalesce(nullif(current_setting('sandbox.shift', true), ''), '0')::float8
    * interval '1 second'
$$;

CREATE FUNCTION sandbox.stamp_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := sandbox.moment();
  RETURN NEW;
END $$;

CREATE TABLE sandbox.change (
  number    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at        timestamptz NOT NULL,
  role      text NOT NULL,
  client    text NOT NULL,
  table_name text NOT NULL,
  operation text NOT NULL,
  row_count bigint NOT NULL
);

CREATE FUNCTION sandbox.note_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  rows_touched bigint;
BEGIN
  SELECT count(*) INTO rows_touched FROM touched;
  IF rows_touched > 0 THEN
    INSERT INTO sandbox.change (at, role, client, table_name, operation, row_count)
    VALUES (sandbox.moment(), session_user, current_setting('application_name'), TG_TABLE_NAME, TG_OP, rows_touched);
  END IF;
  RETURN NULL;
END $$;

DO $$
DECLARE
  t text;
BEGIN
  FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('CREATE TRIGGER stamp_row BEFORE UPDATE ON %I FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)
                    EXECUTE FUNCTION sandbox.stamp_row()', t);
    EXECUTE format('CREATE TRIGGER note_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS touched
                    FOR EACH STATEMENT EXECUTE FUNCTION sandbox.note_change()', t);
    EXECUTE format('CREATE TRIGGER note_update AFTER UPDATE ON %I REFERENCING NEW TABLE AS touched
                    FOR EACH STATEMENT EXECUTE FUNCTION sandbox.note_change()', t);
    EXECUTE format('CREATE TRIGGER note_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS touched
                    FOR EACH STATEMENT EXECUTE FUNCTION sandbox.note_change()', t);
  END LOOP;
END $$;
