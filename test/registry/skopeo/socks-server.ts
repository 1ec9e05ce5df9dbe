import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type EndpointServer, withoutImages } from './endpoint-server.ts';

/** A SOCKS5 proxy that requires a login: RFC 1928 and 1929. */
export async function startSocksServer(
  name: string,
  address: { readonly host: string; readonly port: number },
  login: string,
): Promise<EndpointServer> {
  const sockets = new Set<Socket>();
  const server = withoutImages(name, async () => {
    listener.close();
    for (const socket of sockets) socket.destroy();
    await once(listener, 'close');
  });
  const serve = async (socket: Socket) => {
    const read = reader(socket);
    const [, count = 0] = await read(2);
    const methods = await read(count);
    socket.write(Buffer.from([5, methods.includes(2) ? 2 : 255]));
    if (!methods.includes(2)) return socket.end();
    await read(1);
    const username = (await read((await read(1))[0] ?? 0)).toString();
    const text = `${username}:${(await read((await read(1))[0] ?? 0)).toString()}`;
    server.seen.logins.add(text);
    socket.write(Buffer.from([1, text === login ? 0 : 1]));
    if (text !== login) return socket.end();
    const [, , , kind] = await read(4);
    const host =
      kind === 1
        ? [...(await read(4))].join('.')
        : (await read((await read(1))[0] ?? 0)).toString();
    const port = (await read(2)).readUInt16BE();
    server.seen.gave.add(`${host}:${port}`);
    const onward = connect(port, host);
    sockets.add(onward);
    onward.on('error', () => socket.destroy());
    await once(onward, 'connect');
    // The reply has a name, whose length the client has to read.
    socket.write(
      Buffer.concat([Buffer.from([5, 0, 0, 3, 4]), Buffer.from('here'), Buffer.alloc(2)]),
    );
    return onward.pipe(socket).pipe(onward);
  };
  const listener = createServer((socket) => {
    server.onAsked();
    sockets.add(socket);
    socket.on('error', () => undefined);
    serve(socket).catch(() => socket.destroy());
  });
  listener.listen(address.port, address.host);
  await once(listener, 'listening');
  return server;
}

function reader(socket: Socket): (length: number) => Promise<Buffer> {
  return async (length) => {
    if (length === 0) return Buffer.alloc(0);
    for (;;) {
      const bytes: unknown = socket.read(length);
      if (bytes instanceof Buffer) return bytes;
      await once(socket, 'readable');
      if (socket.readableEnded) throw new Error('the other side hangs up');
    }
  };
}
