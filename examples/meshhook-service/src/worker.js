// The worker: takes queued runs and makes their calls. Any number may run. Environment: DATABASE_URL,
// ROWSEAL_ROOT_KEY.
import { setTimeout as sleep } from 'node:timers/promises';

import { pool } from './lib/db.js';
import { stopInOrder } from './lib/lifetime.js';
import { describe, log } from './lib/log.js';
import { runStep, StepError } from './lib/steps.js';

const MOST_ATTEMPTS = 5;
const POLL_MS = 200;

/** Takes the next run that is due; one whose worker died is due again after a minute. */
async function take() {
  const { rows } = await pool.query(
    `UPDATE runs SET state = 'running', attempts = attempts + 1, due_at = now() + interval '1 minute'
     FROM workflows w
     WHERE runs.id = (SELECT id FROM runs WHERE state IN ('queued', 'running') AND due_at <= now()
                        AND attempts < $1 ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
       AND w.id = runs.workflow_id
     RETURNING runs.id, runs.project_id AS project, runs.payload, runs.attempts, w.steps`,
    [MOST_ATTEMPTS]);
  return rows[0];
}

async function finish(run, state, outcome, delaySeconds = 0) {
  await pool.query(
    `UPDATE runs SET state = $2, outcome = $3, due_at = now() + $4 * interval '1 second'
     WHERE id = $1`, [run.id, state, outcome, delaySeconds]);
  log('run', { run: run.id, project: run.project, state, outcome });
}

async function work(run) {
  try {
    for (const step of run.steps) {
      await runStep(step, { project: run.project, payload: run.payload, reason: `run ${run.id}` });
    }
    await finish(run, 'done', 'ok');
  } catch (error) {
    const outcome = error instanceof StepError ? error.message : error.code ?? 'internal error';
    if (!(error instanceof StepError)) log('step_failed', { run: run.id, ...describe(error) });
    // Before its answer a call may have been carried out: only Rowseal's own errors are tried again.
    const again = error.retryable === true && run.attempts < MOST_ATTEMPTS;
    await finish(run, again ? 'queued' : 'failed', outcome, 2 ** run.attempts);
  }
}

let stopping = false;
async function loop() {
  while (!stopping) {
    try {
      const run = await take();
      if (run) await work(run);
      else await sleep(POLL_MS);
    } catch (error) {
      log('queue_failed', describe(error));
      await sleep(5 * POLL_MS);
    }
  }
}

log('working');
const done = loop();
stopInOrder(() => { stopping = true; return done; });
