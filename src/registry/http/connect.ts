import type { Socket } from 'node:net';
import type { Target } from './dial.ts';
import { HeadBytes, parseHead } from './head.ts';
import { authorizationOf, type Proxy } from './proxy.ts';
import { readSome } from './read.ts';

/** In bytes: a proxy's reply is read in pieces of at most so many. */
const PIECE = 16 * 1024;

/** A proxy's answer, and what it was asked for. */
export interface Answer {
  readonly code: number;
  /** `host:port` */
  readonly target: string;
}

/**
 * Asks an HTTP proxy for a tunnel, over a new connection to the proxy: RFC 9110, section 9.3.6. The reply is
 * read as leniently as engines do, which Node's own parser does not.
 *
 * @throws {NotHttp}, {HungUp}, or the error of the connection.
 */
export async function askConnect(
  socket: Socket,
  proxy: Proxy,
  { host, port }: Target,
): Promise<Answer> {
  const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const headers = Object.entries({ host: target, ...authorizationOf(proxy) });
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`CONNECT ${target} HTTP/1.1\r\n${lines.join('')}\r\n`);
  for (;;) {
    const { status } = parseHead(await readHead(socket));
    if (status >= 200) return { code: status, target };
  }
}

/** Reads a head, and leaves what follows to the next reader. */
async function readHead(socket: Socket): Promise<Buffer> {
  const bytes = new HeadBytes();
  for (;;) {
    const whole = bytes.add(await readSome(socket, PIECE));
    if (whole === undefined) continue;
    if (whole.rest.length > 0) socket.unshift(whole.rest);
    return whole.head;
  }
}
