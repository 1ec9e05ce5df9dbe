import { createServer } from 'node:http2';
import type { Socket } from 'node:net';
import type { ConnectRouter } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';

/**
 * Serves gRPC on a unix socket, to clients of the very content type that CRI-O wants: CRI-O closes a connection whose
 * first request is neither HTTP/1 nor exactly of that type.
 *
 * @returns what breaks all connections and ends the server.
 */
export async function serveGrpc(
  socket: string,
  routes: (router: ConnectRouter) => void,
): Promise<() => Promise<void>> {
  const handle = connectNodeAdapter({ routes });
  const server = createServer((incoming, outgoing) => {
    if (incoming.headers['content-type'] === 'application/grpc') handle(incoming, outgoing);
    else incoming.stream.session?.destroy();
  });
  const open = new Set<Socket>();
  server.on('connection', (connection: Socket) => open.add(connection));
  await new Promise<void>((done) => server.listen(socket, done));
  return async () => {
    if (!server.listening) return;
    const closed = new Promise((done) => server.close(done));
    for (const connection of open) connection.destroy();
    await closed;
  };
}
