// Every call of index.d.ts as an app in TypeScript writes it. types_test.js checks its types and that
// no method is left out; it is never run.
import pg from 'pg';
import { Client, connect, nonce, RowsealError, Secret } from 'rowseal';
import type {
  AddedRoot, AuditEntry, Column, ConnectOptions, ErrorCode, JobsReport, Listing, Outcome, Root, Stored, Summary, Verdict,
  VersionSummary,
} from 'rowseal';

const pool = new pg.Pool();
const options: ConnectOptions = { db: pool, root: 'file:root.key', actor: 'api', prepared: true };
const onFile: ConnectOptions = { db: 'sqlite:app.db', roots: ['file:a', 'file:b'], actor: 'api' };
// @ts-expect-error: whoever calls must have a name in the audit log
const nobody: ConnectOptions = { db: pool, root: 'file:root.key' };
// @ts-expect-error: a database is a pool, a client or a URI
const nowhere: ConnectOptions = { db: 7, actor: 'api' };

export async function everyCall(signal: AbortSignal, request: Request): Promise<void> {
  await using client: Client = await connect(options);
  const borrowed = await pool.connect();
  const joined = { client: borrowed, actor: 'worker', reason: 'tried', signal };

  const stored: Stored = await client.put('p', 'n', Buffer.from('v'),
    { ...joined, kind: 'webhook', expiresAt: new Date(), createOnly: true });
  const outcomes: Outcome<Stored>[] = await client.putMany('p', [{ name: 'n', value: 'v' }],
    { ...joined, allOrNone: true });
  for (const { value, error } of outcomes) {
    const text: string = error ? `${error.code} ${error.hint}` : `${value.id} ${value.version}`;
    console.log(text, stored.version);
  }

  const secret: Secret = await client.get('p', 'n', { ...joined, version: 1 });
  const bytes: Buffer = secret.value;
  const expiry: Date | null = secret.expiresAt;
  console.log(bytes.length, secret.reveal().length, expiry, secret.kind === 'workflow');
  const [first] = await client.getMany('p', ['n', { name: 'm', version: 2 }], joined);
  console.log(first?.value?.reveal());
  // @ts-expect-error: an outcome may be an error
  console.log(first.value.reveal());

  await client.addColumn('users.totp', 'cell', { reason: 'set-up' });
  const sealed: string = await client.sealValue('p', 'users.totp', 'v', { ...joined, row: ['a', 1] });
  const opened: Buffer = await client.openValue('p', 'users.totp', sealed, { row: 1 });
  const either: { value: Buffer; sealed: boolean } =
    await client.openIfSealed('p', 'users.totp', sealed, { row: 'a' });
  console.log(opened, either.sealed);
  const sealedMany: Outcome<string>[] = await client.sealValues('p', 'users.totp',
    [{ value: 'v', row: 1 }, { value: bytes, row: ['a', 2] }], joined);
  const openedMany: Outcome<Buffer>[] = await client.openValues('p', 'users.totp',
    sealedMany.flatMap(({ value }, row) => (value === undefined ? [] : [{ sealed: value, row }])));
  console.log(openedMany[0]?.value?.length);
  const columns: Column[] = await client.columns();
  await client.removeColumn(columns[0]!.label, { reason: 'gone' });
  const entries: AuditEntry[] = await client.auditLog('p', { limit: 10 });
  console.log(entries[0]?.at.getTime());
  // @ts-expect-error: a column is a cell or a field
  await client.addColumn('users.totp', 'row');

  const body = Buffer.from(await request.arrayBuffer());
  const verdict: Verdict = await client.verifyWebhook('p', 'hook',
    { body, headers: request.headers, overlapSeconds: 60, hash: 'sha512', header: 'x', signal });
  console.log(verdict.valid ? verdict.version : `${verdict.reason}: ${verdict.hint}`);
  const signature: string = await client.signWebhook('p', 'hook', { body, encoding: 'base64', prefix: '' });
  // @ts-expect-error: a parsed body is no body
  await client.verifyWebhook('p', 'hook', { body: await request.json(), headers: signature } as const);

  const page: Listing<Summary> = await client.list('p', { after: 'n', limit: 10 });
  console.log(page.unreadable.map(({ row, message }) => `${row}: ${message}`));
  const versions: VersionSummary[] = await client.versions('p', page[0]!.name);
  const back: Stored = await client.rollback('p', 'n', versions[0]!.version, { reason: 'oops' });
  await client.rename('p', 'n', 'm');
  await client.expire('p', 'm', null);
  await client.delete('p', 'm', { actor: 'admin' });
  console.log(back.id);

  const { newKek, rewrapped } = await client.rotateKek();
  const jobsDone: JobsReport & { rotated: number } = await client.rotateDek('p');
  const { kekRotation, jobs } = await client.maintain();
  const suspended: 'suspended' = await client.suspendKek(1, { reason: 'r' });
  const resumed: 'active' | 'deactivated' = await client.resumeKek(1);
  const compromised: JobsReport & { newKek: number | null } = await client.compromiseKek(1);
  const { activeKek, activeKekCreatedAt } = await client.keyStatus();
  const { dueAt, destroyed } = await client.destroyKek(1, { cancel: false });
  const { destroyAt } = await client.retireProject('p', { cancel: true });
  const [kek] = await client.keks();
  const [dek] = await client.unreadableDeks({ project: 'p', discard: true, reason: 'r' });
  console.log(dek?.why, dek?.discarded);
  const roots: Root[] = await client.roots();
  const added: AddedRoot = await client.addRoot('file:spare.key', { scope: 'default' });
  const replaced: AddedRoot = await client.replaceRoot(added.id, 'file:next.key');
  const removed: Root = await client.removeRoot(replaced.id);
  const { projects } = await client.compromiseRoot(1);
  const { bundle, epoch } = await client.exportKeys();
  console.log(suspended, resumed, compromised.newKek, dueAt?.getTime(), destroyed, destroyAt,
    kek?.destroyAt, roots.length, removed.ifLost, projects, bundle.length, epoch);
  console.log(newKek - activeKek, rewrapped, jobsDone.rotated, jobsDone.failed, kekRotation?.oldKek, jobs,
    activeKekCreatedAt.getTime());
  const { counters, prometheus } = client.metrics();
  console.log(counters['secrets_opened'], prometheus, nonce(96).length + nonce(192).length);
  // @ts-expect-error: AES-GCM takes 96 bits, XAES 192
  nonce(64);

  client.on('log', (event) => console.log(event.name));
  const other = await connect(onFile);
  await other.close().catch((error: unknown) => {
    if (error instanceof RowsealError && error.retryable) {
      const code: ErrorCode = error.code;
      console.log(code);
    }
  });
  console.log(nobody, nowhere);
}
