import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Engine } from '../../../src/engine/engine.ts';
import { openPodman } from '../../../src/engine/podman/podman.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

/** Handles `METHOD /path`, without the API's prefix and the query. */
export type Handler = (
  call: string,
  response: ServerResponse,
  request: IncomingMessage,
) => void | Promise<void>;

export interface FakePodman {
  readonly engine: Engine;
  readonly socket: string;
  /** Every call but the pings. */
  readonly calls: readonly string[];
  /** Closes every connection that waits for its next request. */
  readonly dropConnections: () => void;
}

/** A server in podman's place, with replies that a real podman can't be made to give on demand. */
export async function startFakePodman(
  t: TestContext,
  handle: Handler,
  version = '4.3.1',
): Promise<FakePodman> {
  const directory = temporaryDirectory(t);
  const socket = join(directory, 'podman.sock');
  const calls: string[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/_ping') {
      response.setHeader('libpod-api-version', version).end('OK');
      return;
    }
    const path = new URL(request.url ?? '', 'http://podman').pathname;
    const call = `${request.method} ${path.replace('/v4.0.0/libpod', '')}`;
    calls.push(call);
    request.resume();
    void handle(call, response, request);
  });
  server.listen(socket);
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const environment = { CONTAINER_HOST: `unix://${socket}` };
  const pinKey = join(directory, 'pins.key');
  const engine = await openPodman({ user: false, pinKey, environment });
  t.after(() => engine.close());
  return { engine, socket, calls, dropConnections: () => server.closeIdleConnections() };
}

export function answer(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}
