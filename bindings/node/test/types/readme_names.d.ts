// What the README's pieces of code take from the app around them.
import type { Client, connect as connectToStore, ConnectOptions } from 'rowseal';
import type pg from 'pg';

declare global {
  var rowsealClient: Promise<Client> | undefined;
  const connect: typeof connectToStore;
  const options: ConnectOptions;
  const secrets: Client;
  const client: pg.PoolClient;
  const rawBody: Uint8Array;
  const request: Request;
  const id: string;
  const project: string;
  const secret: string;
  function pay(key: string): Promise<void>;
}
