-- The app's own tables. What stands here holds no secret: Rowseal's tables come with `rowseal init`.
-- Run by the app's owner, who may make roles.

-- The service's two logins, and the role that stands for a user, as on Supabase.
CREATE ROLE authenticated NOLOGIN;
CREATE ROLE meshhook_web LOGIN;
CREATE ROLE meshhook_worker LOGIN;
GRANT authenticated TO meshhook_web;

-- Who asks: set for one transaction at a time (src/lib/db.js).
CREATE SCHEMA auth;
GRANT USAGE ON SCHEMA auth TO authenticated;
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE
RETURN nullif(current_setting('request.jwt.claim.sub', true), '')::uuid;

CREATE TABLE projects (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text NOT NULL
);

CREATE TABLE users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  email text NOT NULL UNIQUE
);

-- A token is 32 random bytes, so a plain hash keeps it: there is nothing to guess.
CREATE TABLE sessions (
  token_hash bytea PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  expires_at timestamptz NOT NULL
);

-- Members see that a secret is there; admins put, reveal and delete it.
CREATE TABLE memberships (
  project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  role text NOT NULL CHECK (role IN ('admin', 'member')),
  PRIMARY KEY (project_id, user_id)
);

-- steps: [{"method", "url", "headers"}]; a header may say {{secrets.NAME}}.
CREATE TABLE workflows (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
  hook text NOT NULL,
  steps jsonb NOT NULL,
  UNIQUE (project_id, hook)
);

CREATE TABLE runs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  workflow_id uuid NOT NULL REFERENCES workflows ON DELETE CASCADE,
  project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
  payload bytea NOT NULL,
  state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed')),
  attempts integer NOT NULL DEFAULT 0,
  due_at timestamptz NOT NULL DEFAULT now(),
  outcome text
);
CREATE INDEX ON runs (due_at) WHERE state IN ('queued', 'running');

ALTER TABLE projects ENABLE ROW LEVEL SECURITY;
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE memberships ENABLE ROW LEVEL SECURITY;
ALTER TABLE workflows ENABLE ROW LEVEL SECURITY;
ALTER TABLE runs ENABLE ROW LEVEL SECURITY;

-- A user sees what belongs to the projects that have them as a member.
CREATE POLICY own ON memberships FOR SELECT TO authenticated USING (user_id = auth.uid());
CREATE POLICY own ON projects FOR SELECT TO authenticated
  USING (id IN (SELECT m.project_id FROM memberships m WHERE m.user_id = auth.uid()));
GRANT SELECT ON projects, memberships TO authenticated;

-- The service finds sessions and queues runs; the worker works them.
CREATE POLICY web ON sessions FOR SELECT TO meshhook_web USING (true);
CREATE POLICY web ON workflows FOR SELECT TO meshhook_web USING (true);
CREATE POLICY web ON runs FOR INSERT TO meshhook_web WITH CHECK (true);
GRANT SELECT ON sessions, workflows TO meshhook_web;
GRANT INSERT ON runs TO meshhook_web;

CREATE POLICY worker ON workflows FOR SELECT TO meshhook_worker USING (true);
CREATE POLICY worker ON runs TO meshhook_worker USING (true);
GRANT SELECT ON workflows TO meshhook_worker;
GRANT SELECT, UPDATE ON runs TO meshhook_worker;
