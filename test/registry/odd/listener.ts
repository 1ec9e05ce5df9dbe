import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { testCertificate } from '../../support/registry-certificate.ts';
import { type Draft, onTheWire } from './draft.ts';

/** A request as it came. */
export interface Asked {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** By names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface Listener {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  close(): Promise<void>;
}

/**
 * A server that writes its replies itself: Node's own refuses to send most of what is odd. Without TLS it
 * closes a connection that begins with TLS, in plain words if it is chatty.
 */
export async function listen(
  address: string,
  { isTls, isChatty }: { readonly isTls: boolean; readonly isChatty: boolean },
  reply: (asked: Asked) => Draft,
): Promise<Listener> {
  const sockets = new Set<Socket>();
  const serve = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    answerOn(socket, isChatty, reply);
  };
  const server: Server = isTls ? createTlsServer(testCertificate, serve) : createServer(serve);
  server.listen(0, address);
  await once(server, 'listening');
  const found = server.address();
  if (found === null || typeof found === 'string') throw new Error('not listening on a port');
  const host = `${address}:${found.port}`;
  return {
    host,
    origin: `${isTls ? 'https' : 'http'}://${host}`,
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

const TLS_HANDSHAKE = 0x16;

/** Answers one request after the other. */
function answerOn(socket: Socket, isChatty: boolean, reply: (asked: Asked) => Draft): void {
  let waiting: Buffer = Buffer.alloc(0);
  let isBusy = false;
  const next = () => {
    const found = isBusy ? undefined : parse(waiting);
    if (found === undefined) return;
    waiting = waiting.subarray(found.length);
    const draft = reply(found.asked);
    const send = () => {
      if (socket.destroyed) return;
      const { bytes, ending } = onTheWire(draft, found.asked.method);
      sendInPieces(socket, bytes, draft.pieces, (rest) => {
        isBusy = false;
        if (ending === 'reset') socket.write(rest, () => socket.destroy());
        else if (ending === 'closed') socket.end(rest);
        else socket.write(rest, next);
      });
    };
    isBusy = true;
    if (draft.delay > 0) setTimeout(send, draft.delay);
    else send();
  };
  socket.on('data', (chunk) => {
    if (waiting.length === 0 && chunk[0] === TLS_HANDSHAKE) {
      if (isChatty) socket.end('HTTP/1.0 400 Bad Request\r\n\r\nThis is plain HTTP.\n');
      else socket.destroy();
      return;
    }
    waiting = Buffer.concat([waiting, chunk]);
    next();
  });
}

/** In bytes: a longer beginning in pieces would show nothing more, and take long. */
const MAX_IN_PIECES = 400;

/** Sends the beginning in pieces, each as a packet of its own, and hands over the rest. */
function sendInPieces(
  socket: Socket,
  bytes: Buffer,
  size: number | undefined,
  last: (rest: Buffer) => void,
): void {
  if (size === undefined) return last(bytes);
  socket.setNoDelay(true);
  const send = (at: number): void => {
    if (socket.destroyed || at >= Math.min(MAX_IN_PIECES, bytes.length)) {
      last(bytes.subarray(at));
      return;
    }
    socket.write(bytes.subarray(at, at + size), () => setImmediate(send, at + size));
  };
  send(0);
}

/** The first request, if all of it is there: both clients write what RFC 9112 has. */
function parse(waiting: Buffer): { readonly asked: Asked; readonly length: number } | undefined {
  const end = waiting.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = waiting.subarray(0, end).toString('latin1').split('\r\n');
  const [method = '', path = ''] = first.split(' ');
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const length = end + 4 + Number(headers.get('content-length') ?? 0);
  if (waiting.length < length) return undefined;
  const body = waiting.subarray(end + 4, length).toString('latin1');
  return { asked: { method, path, headers, body }, length };
}
