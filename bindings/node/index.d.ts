import { EventEmitter } from 'node:events';

export type Kind = 'webhook' | 'access_token' | 'workflow';
export type ErrorCode =
  | 'invalid_argument' | 'not_found' | 'conflict' | 'partial' | 'integrity' | 'unavailable'
  | 'resource_exhausted' | 'overloaded' | 'in_doubt' | 'root_key_missing' | 'root_key_malformed'
  | 'root_key_exposed' | 'root_key_mismatch' | 'refused_by_state' | 'newer_schema' | 'older_schema'
  | 'cancelled' | 'random_failure' | 'internal';

export class RowsealError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  readonly retryable: boolean;
}

export class Secret {
  readonly id: string;
  readonly kind: Kind;
  readonly version: number;
  readonly expiresAt: Date | null;
  readonly createdAt: Date;
  readonly value: Buffer;
  /** The value as text; bytes that are not UTF-8 are an error. */
  reveal(): string;
}

/** A `pg` Client, or one that a Pool lent. */
export interface Queryable { query(...args: any[]): any }

export interface ConnectOptions {
  /** A `pg` Pool or Client, or `sqlite:PATH`. */
  db: Queryable | string;
  root?: string;
  roots?: string[];
  actor: string;
  /** A folder of this machine's, outside what is restored with the database: an older copy is noticed. */
  state?: string;
  /** The installation that the store has to be, as `keyStatus` shows it. */
  installation?: string;
  /** What an older copy of the store, once noticed, still does. Default: its values open. */
  onRollback?: 'read' | 'refuse';
  /** Named statements; a pooler in transaction mode must know them. */
  prepared?: boolean;
  callTimeoutMs?: number;
}
export type KeyState =
  | 'pre-activation' | 'active' | 'suspended' | 'deactivated' | 'compromised' | 'destroyed';
/** `keks` are the ids of those that it opens. */
export interface Root {
  id: number; uri: string; scope: string; fingerprint: string; state: KeyState;
  configured: boolean; wrapsOnly: boolean; keks: number[]; scopeKeks: number; ifLost: string;
  createdAt: Date;
}
/** `failed` names the DEKs that do not open and stay where they are. */
export interface AddedRoot {
  id: number; uri: string; scope: string; fingerprint: string; keks: number[]; proven: boolean;
  madeKek: number | null; rewrapped: number; failed: string[];
}
export interface Kek {
  id: number; scope: string; state: KeyState; createdAt: Date; resumesTo: KeyState | null;
  deks: number; rotationDueAt: Date | null; compromisedAt: Date | null; destroyAt: Date | null;
}
export interface CallOptions { actor?: string; reason?: string; signal?: AbortSignal }
/** `client` has the app's transaction open, which the call joins. */
export interface HotOptions extends CallOptions { client?: Queryable }
export interface PutOptions extends HotOptions { kind?: Kind; expiresAt?: Date; createOnly?: boolean }
export interface PutItem {
  name: string; value: Uint8Array | string; kind?: Kind; expiresAt?: Date; createOnly?: boolean;
}
export interface Stored { id: string; version: number }
export type Outcome<T> = { value: T; error?: undefined } | { error: RowsealError; value?: undefined };
export interface Summary {
  name: string; kind: Kind; id: string; version: number; versions: number;
  expiresAt: Date | null; createdAt: Date; updatedAt: Date;
}
export interface VersionSummary {
  version: number; expiresAt: Date | null; createdAt: Date; createdBy: string;
}
export interface WebhookScheme {
  hash?: 'sha256' | 'sha1' | 'sha512'; encoding?: 'hex' | 'base64'; prefix?: string; header?: string;
}
export type Verdict =
  | { valid: true; version: number }
  | { valid: false; reason: 'missing' | 'duplicate' | 'malformed' | 'mismatch'; hint: string };
/** `failed` names the DEKs that do not open and stay under the old KEK. */
export interface RotationReport {
  oldKek: number; newKek: number; rewrapped: number; failed: string[]; job: string | null;
  milliseconds: number;
}
export interface Job {
  id: string; kind: string; object: string; subject: string;
  state: 'ready' | 'paused' | 'done' | 'failed' | 'cancelled'; running: boolean; run: number;
  total: number; done: number; failed: number; createdAt: Date; startedAt: Date | null;
  changedAt: Date;
}
/** `row` says which one, `message` what is wrong with it. */
export interface UnreadRow { row: string; message: string }
/** The jobs that were run, how many of their items could not be done, and jobs that cannot be read. */
export interface JobsReport {
  jobs: Job[]; failed: number; stopped: boolean; unreadable: UnreadRow[];
}
/** Values in `columnsWithoutPlace` stay under the old DEKs until the app seals them again. */
export interface DekRotationReport {
  rotated: number; columnsWithoutPlace: string[]; jobs: Job[]; failed: number; stopped: boolean;
  unreadable: UnreadRow[];
}
export interface DestructionReport { keks: number[]; deks: number; failed: string[] }
export interface MaintainReport {
  jobs: Job[]; failed: number; stopped: boolean; unreadable: UnreadRow[];
  kekRotation: RotationReport | null;
  destroyed: DestructionReport;
}
/** `failedDeks` names those that do not open and stay under the KEK. */
export interface KekCompromise {
  id: number; newKek: number | null; rewrapped: number; failedDeks: string[];
}
export interface KekDestruction { id: number; dueAt: Date | null; destroyed: boolean }
export interface ProjectRetirement {
  project: string; retiredAt: Date | null; destroyAt: Date | null; destroyedAt: Date | null;
  secrets: number; versions: number; deks: number; columns: string[]; backupsUntilAt: Date | null;
}
export interface CompromisedRoot {
  root: Root; proven: number[]; projects: number; kekRotation: RotationReport | null;
}
export interface KeyBundle { installation: string; epoch: number; keks: number; deks: number }
export interface KekToDestroy { id: number; destroyAt: Date }
export interface Status {
  installation: string; format: number; epoch: number; integrityKek: number; activeKek: number;
  activeKekCreatedAt: Date; keks: number; deks: number; projects: number; secrets: number;
  versions: number; memoryLocked: boolean; kekRotationDueAt: Date | null; suspendedKeks: number[];
  compromisedKeks: number[]; keksToDestroy: KekToDestroy[]; retiredProjects: number;
  destroyedKeys: number; rolledBack: boolean;
}
export interface ColumnSource {
  database: string; table: string; column: string; keys: string[]; projectColumn: string;
}
export interface Column {
  label: string; context: 'cell' | 'field'; state: 'active' | 'removed';
  source: ColumnSource | null; createdAt: Date;
}
export interface AuditEntry {
  id: string; at: Date; actor: string; reason: string; action: string; outcome: string; object: string;
}
/** A list, and the rows that were changed outside Rowseal so that they cannot be read. */
export type Listing<T> = T[] & { readonly unreadable: UnreadRow[] };
/** A row of a DEK that nothing can open. `versions` and `values` name it; then it stays. */
export interface UnreadableDek {
  project: string; id: string; purpose: string; state: string; why: string; versions: number;
  values: number; discarded: boolean;
}
export type RowOption = { row?: string | number | bigint | (string | number | bigint)[] };

export class Client extends EventEmitter {
  put(project: string, name: string, value: Uint8Array | string, options?: PutOptions): Promise<Stored>;
  putMany(project: string, items: PutItem[], options?: HotOptions & { allOrNone?: boolean }): Promise<Outcome<Stored>[]>;
  get(project: string, name: string, options?: HotOptions & { version?: number }): Promise<Secret>;
  getMany(project: string, names: (string | { name: string; version?: number })[], options?: HotOptions): Promise<Outcome<Secret>[]>;
  sealValue(project: string, column: string, value: Uint8Array | string, options?: HotOptions & RowOption): Promise<string>;
  openValue(project: string, column: string, sealed: string, options?: HotOptions & RowOption): Promise<Buffer>;
  sealValues(project: string, column: string, items: ({ value: Uint8Array | string } & RowOption)[], options?: HotOptions): Promise<Outcome<string>[]>;
  openValues(project: string, column: string, items: ({ sealed: string } & RowOption)[], options?: HotOptions): Promise<Outcome<Buffer>[]>;
  openIfSealed(project: string, column: string, text: string, options?: HotOptions & RowOption): Promise<{ value: Buffer; sealed: boolean }>;
  verifyWebhook(project: string, name: string, options: CallOptions & WebhookScheme & {
    body: Uint8Array | string; overlapSeconds?: number;
    headers: Headers | Record<string, string | string[] | undefined> | string | null | undefined;
  }): Promise<Verdict>;
  signWebhook(project: string, name: string, options: CallOptions & WebhookScheme & { body: Uint8Array | string }): Promise<string>;
  list(project: string, options?: CallOptions & { after?: string; limit?: number }): Promise<Listing<Summary>>;
  versions(project: string, name: string, options?: CallOptions): Promise<Listing<VersionSummary>>;
  rollback(project: string, name: string, version: number, options?: CallOptions): Promise<Stored>;
  rename(project: string, name: string, newName: string, options?: CallOptions): Promise<void>;
  delete(project: string, name: string, options?: CallOptions): Promise<void>;
  expire(project: string, name: string, expiresAt: Date | null, options?: CallOptions): Promise<void>;
  columns(options?: CallOptions): Promise<Listing<Column>>;
  addColumn(label: string, context: 'cell' | 'field', options?: CallOptions): Promise<void>;
  removeColumn(label: string, options?: CallOptions): Promise<void>;
  auditLog(project: string, options?: CallOptions & { limit?: number }): Promise<Listing<AuditEntry>>;
  rotateKek(options?: CallOptions): Promise<RotationReport>;
  rotateDek(project: string, options?: CallOptions): Promise<DekRotationReport>;
  suspendKek(id: number, options?: CallOptions): Promise<'suspended'>;
  resumeKek(id: number, options?: CallOptions): Promise<'active' | 'deactivated'>;
  compromiseKek(id: number, options?: CallOptions): Promise<KekCompromise & JobsReport & {
    columnsWithoutPlace: string[];
  }>;
  destroyKek(id: number, options?: CallOptions & { cancel?: boolean }): Promise<KekDestruction>;
  retireProject(project: string, options?: CallOptions & { cancel?: boolean }): Promise<ProjectRetirement>;
  keks(options?: CallOptions): Promise<Listing<Kek>>;
  unreadableDeks(options?: CallOptions & { project?: string; discard?: boolean }): Promise<Listing<UnreadableDek>>;
  roots(options?: CallOptions): Promise<Listing<Root>>;
  addRoot(uri: string, options?: CallOptions & { scope?: string }): Promise<AddedRoot>;
  replaceRoot(id: number, uri: string, options?: CallOptions): Promise<AddedRoot>;
  removeRoot(id: number, options?: CallOptions): Promise<Root>;
  compromiseRoot(id: number, options?: CallOptions): Promise<CompromisedRoot & JobsReport>;
  exportKeys(options?: CallOptions): Promise<KeyBundle & { bundle: string }>;
  maintain(options?: CallOptions): Promise<MaintainReport>;
  keyStatus(options?: CallOptions): Promise<Status>;
  metrics(): { counters: Record<string, number>; timers: Record<string, number>; prometheus: string };
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export function connect(options: ConnectOptions): Promise<Client>;
export function nonce(bits: 96 | 192): Buffer;
