-- The roles that functions run as.
--
-- rowseal_runner owns the functions that services call. It has the rights on rows that they need and
-- owns no table, so it cannot switch row-level security off. rowseal_owner is a member of it, and may
-- therefore give functions to it.
GRANT USAGE, CREATE ON SCHEMA rowseal TO rowseal_runner;
GRANT SELECT ON rowseal.schema_version, rowseal.installation, rowseal.root_key, rowseal.kek,
  rowseal.kek_wrapping, rowseal.sealed_column TO rowseal_runner;
GRANT SELECT, INSERT, UPDATE, DELETE ON rowseal.secret, rowseal.secret_version TO rowseal_runner;
GRANT SELECT, INSERT, DELETE ON rowseal.retired_project TO rowseal_runner;
GRANT SELECT, INSERT ON rowseal.dek, rowseal.audit_log, rowseal.audit_item TO rowseal_runner;
-- FOR KEY SHARE needs the right to UPDATE a column; this one is under the row's tag.
GRANT UPDATE (id) ON rowseal.kek, rowseal.dek TO rowseal_runner;
-- An entry that a transaction began is finished in it.
GRANT UPDATE (object, outcome) ON rowseal.audit_log TO rowseal_runner;

DO $$
DECLARE
  tenant_table text;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY['dek', 'secret', 'secret_version', 'audit_log', 'audit_item',
                                      'retired_project', 'destroyed_key'] LOOP
    EXECUTE format('ALTER POLICY tenant ON rowseal.%I TO rowseal_owner, rowseal_runner',
                   tenant_table);
  END LOOP;
END
$$;

-- Entries come from functions only.
REVOKE INSERT ON rowseal.audit_log, rowseal.audit_item FROM rowseal_operator;
