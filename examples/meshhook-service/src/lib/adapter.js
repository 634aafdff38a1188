// Between node:http and handlers of Request and Response: what SvelteKit and its adapter do.
import { readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { HttpError, responseOf } from './http.js';
import { log } from './log.js';

const MAX_BODY_BYTES = 512 * 1024;

/** Loads every `+server.js`; a folder `[name]` is a parameter. */
export async function loadRoutes(folder) {
  const files = readdirSync(folder, { recursive: true }).filter((file) => path.basename(file) === '+server.js');
  return Promise.all(files.map(async (file) => {
    const names = [];
    const pattern = path.dirname(file).split(path.sep).map((segment) => {
      const name = /^\[(\w+)\]$/.exec(segment)?.[1];
      if (name) names.push(name);
      return name ? '([^/]+)' : segment;
    }).join('/');
    return { names, pattern: new RegExp(`^/${pattern}$`),
      handlers: await import(pathToFileURL(path.join(folder, file))) };
  }));
}

function findHandler(routes, method, pathname) {
  for (const { pattern, names, handlers } of routes) {
    const found = pattern.exec(pathname);
    if (!found) continue;
    if (!/^[A-Z]+$/.test(method) || !Object.hasOwn(handlers, method)) {
      throw new HttpError(405, 'this method is not known here');
    }
    try {
      const values = found.slice(1).map(decodeURIComponent);
      return { handler: handlers[method], params: Object.fromEntries(names.map((name, i) => [name, values[i]])) };
    } catch {
      throw new HttpError(400, 'the path is not well-formed');
    }
  }
  throw new HttpError(404, 'not found');
}

/** Reads a body up to the limit; what says beforehand that it is larger is not read at all. */
async function bodyOf(incoming) {
  const tooLarge = new HttpError(413, `a body has at most ${MAX_BODY_BYTES} bytes`);
  if (Number(incoming.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge;
  const chunks = [];
  let size = 0;
  try {
    for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) throw tooLarge;
      chunks.push(chunk);
    }
  } catch (error) {
    throw error === tooLarge ? error : new HttpError(400, 'the body ended early');
  }
  return Buffer.concat(chunks, size);
}

async function answer(incoming, outgoing, { routes, handle }) {
  const url = URL.canParse(`http://localhost${incoming.url}`) ? new URL(`http://localhost${incoming.url}`) : null;
  if (!url) throw new HttpError(400, 'the path is not well-formed');
  const { handler, params } = findHandler(routes, incoming.method, url.pathname);
  const gone = new AbortController();
  outgoing.once('close', () => { if (!outgoing.writableFinished) gone.abort(); });
  // Pairs as they came: a header that came twice must stay two.
  const headers = new Headers();
  for (let i = 0; i < incoming.rawHeaders.length; i += 2) {
    headers.append(incoming.rawHeaders[i], incoming.rawHeaders[i + 1]);
  }
  const hasBody = !['GET', 'HEAD'].includes(incoming.method);
  const request = new Request(url, { method: incoming.method, headers, signal: gone.signal,
    body: hasBody ? await bodyOf(incoming) : undefined });
  return handle({ event: { request, url, params, locals: {} }, resolve: handler });
}

async function send(response, outgoing) {
  const body = Buffer.from(await response.arrayBuffer());
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(body);
}

/** Makes a server of routes and SvelteKit's `handle`. */
export function serverOf(app) {
  const server = createServer(async (incoming, outgoing) => {
    const began = performance.now();
    const response = await answer(incoming, outgoing, app).catch(responseOf);
    if (response.status === 413) response.headers.set('connection', 'close');
    await send(response, outgoing).catch(() => outgoing.destroy());
    log('request', { method: incoming.method, path: incoming.url.split('?')[0].slice(0, 200),
      status: response.status, ms: Math.round(performance.now() - began) });
  });
  server.requestTimeout = 15_000;
  return server;
}
