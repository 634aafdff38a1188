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
  /** Named statements; a pooler in transaction mode must know them. */
  prepared?: boolean;
  callTimeoutMs?: number;
}
export interface Root {
  id: number; uri: string; scope: string; fingerprint: string; state: string; configured: boolean;
  wrapsOnly: boolean; keks: number; ifLost: string; createdAt: Date;
}
export interface AddedRoot {
  id: number; uri: string; fingerprint: string; proven: boolean; failedDeks: number;
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
export interface RotationReport { oldKek: number; newKek: number; rewrapped: number; failures: number }
/** How many jobs were run, and how many of their items could not be done. */
export interface JobsReport { jobs: number; failed: number }
export interface Column {
  label: string; context: 'cell' | 'field'; active: boolean; table: string | null;
  column: string | null; createdAt: Date;
}
export interface AuditEntry {
  id: string; at: Date; actor: string; reason: string; action: string; outcome: string; object: string;
}
export type RowOption = { row?: string | number | (string | number)[] };

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
  list(project: string, options?: CallOptions & { after?: string; limit?: number }): Promise<Summary[]>;
  versions(project: string, name: string, options?: CallOptions): Promise<VersionSummary[]>;
  rollback(project: string, name: string, version: number, options?: CallOptions): Promise<Stored>;
  rename(project: string, name: string, newName: string, options?: CallOptions): Promise<void>;
  delete(project: string, name: string, options?: CallOptions): Promise<void>;
  expire(project: string, name: string, expiresAt: Date | null, options?: CallOptions): Promise<void>;
  columns(options?: CallOptions): Promise<Column[]>;
  addColumn(label: string, context: 'cell' | 'field', options?: CallOptions): Promise<void>;
  removeColumn(label: string, options?: CallOptions): Promise<void>;
  auditLog(project: string, options?: CallOptions & { limit?: number }): Promise<AuditEntry[]>;
  rotateKek(options?: CallOptions): Promise<RotationReport>;
  rotateDek(project: string, options?: CallOptions): Promise<JobsReport & { rotated: number }>;
  suspendKek(id: number, options?: CallOptions): Promise<'suspended'>;
  resumeKek(id: number, options?: CallOptions): Promise<'active' | 'deactivated'>;
  compromiseKek(id: number, options?: CallOptions): Promise<JobsReport & {
    newKek: number | null; rewrapped: number; failedDeks: number;
  }>;
  destroyKek(id: number, options?: CallOptions & { cancel?: boolean }): Promise<{
    dueAt: Date | null; destroyed: boolean;
  }>;
  retireProject(project: string, options?: CallOptions & { cancel?: boolean }): Promise<{
    retiredAt: Date | null; destroyAt: Date | null; destroyedAt: Date | null;
    backupsUntilAt: Date | null; secrets: number;
  }>;
  keks(options?: CallOptions): Promise<Array<{
    id: number; scope: string; state: string; deks: number; createdAt: Date;
    rotationDueAt: Date | null; compromisedAt: Date | null; destroyAt: Date | null;
  }>>;
  roots(options?: CallOptions): Promise<Root[]>;
  addRoot(uri: string, options?: CallOptions & { scope?: string }): Promise<AddedRoot>;
  replaceRoot(id: number, uri: string, options?: CallOptions): Promise<AddedRoot>;
  removeRoot(id: number, options?: CallOptions): Promise<Root>;
  compromiseRoot(id: number, options?: CallOptions): Promise<JobsReport & {
    projects: number; kekRotation: RotationReport | null;
  }>;
  exportKeys(options?: CallOptions): Promise<{
    bundle: string; installation: string; epoch: number; keks: number; deks: number;
  }>;
  maintain(options?: CallOptions): Promise<JobsReport & { kekRotation: RotationReport | null }>;
  keyStatus(options?: CallOptions): Promise<{
    installation: string; activeKek: number; activeKekCreatedAt: Date; keks: number; deks: number;
    projects: number; secrets: number; versions: number; rolledBack: boolean;
  }>;
  metrics(): { counters: Record<string, number>; timers: Record<string, number>; prometheus: string };
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export function connect(options: ConnectOptions): Promise<Client>;
export function nonce(bits: 96 | 192): Buffer;
