import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https, { type ServerOptions } from 'node:https';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type EndpointServer, withoutImages } from './skopeo/endpoint-server.ts';

/** A proxy that requires a login; `gave` has the requests that it has served. */
export async function startProxyServer(
  name: string,
  address: { readonly host: string; readonly port: number },
  login: string,
  tls?: ServerOptions,
): Promise<EndpointServer> {
  const sockets = new Set<Duplex>();
  const server = withoutImages(name, async () => {
    listener.close();
    listener.closeAllConnections();
    for (const socket of sockets) socket.destroy();
    await once(listener, 'close');
  });
  const refusal = ({ headers }: IncomingMessage): number | undefined => {
    const [, encoded = ''] = /^Basic (.*)$/.exec(headers['proxy-authorization'] ?? '') ?? [];
    const text = Buffer.from(encoded, 'base64').toString('utf8');
    if (text !== '') server.seen.logins.add(text);
    return server.behaviour.status ?? (text === login ? undefined : 407);
  };
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    server.onAsked();
    server.seen.gave.add(`${request.url}`.replace(/^(http:\/\/[^/]+)\/.*/, '$1'));
    const status = refusal(request);
    const { host, ...headers } = request.headers;
    if (status !== undefined) {
      response.writeHead(status).end();
      return;
    }
    delete headers['proxy-authorization'];
    const onward = http.request(request.url ?? '', { headers: { ...headers, host } }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.writeHead(502).end());
    request.pipe(onward);
  };
  const tunnel = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    server.onAsked();
    server.seen.gave.add(`${request.url}`);
    const status = refusal(request);
    sockets.add(socket);
    socket.on('error', () => undefined);
    if (status !== undefined) {
      socket.end(`HTTP/1.1 ${status} Refused\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(request.url ?? '') ?? [];
    const onward: Socket = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    sockets.add(onward);
    onward.on('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n'));
  };
  const listener = tls ? https.createServer(tls, handle) : http.createServer(handle);
  listener.on('connection', () => server.onAsked());
  listener.on('connect', tunnel);
  listener.listen(address.port, address.host);
  await once(listener, 'listening');
  return server;
}
