import { isIPv4, isIPv6, type Socket } from 'node:net';
import type { Proxy } from './proxy.ts';
import { readSome } from './read.ts';

/** The proxy refused, or replied with something unexpected. */
class SocksRefusal extends Error {}

const VERSION = 5;
const NO_LOGIN = 0;
const LOGIN = 2;

/**
 * Asks a SOCKS5 proxy to connect to a host, over a new connection to the proxy: RFC 1928, and RFC 1929 for
 * the login. As with Go, the proxy looks up the host's name.
 */
export async function askSocks(
  socket: Socket,
  { login }: Proxy,
  host: string,
  port: number,
): Promise<void> {
  const methods = login === undefined ? [NO_LOGIN] : [NO_LOGIN, LOGIN];
  socket.write(Buffer.from([VERSION, methods.length, ...methods]));
  const [version, method = -1] = await read(socket, 2);
  if (version !== VERSION) throw new SocksRefusal('it does not speak SOCKS5');
  if (method === LOGIN && login !== undefined) {
    const password = login.password.reveal();
    socket.write(Buffer.concat([Buffer.from([1]), sized(login.username), sized(password)]));
    const [, status] = await read(socket, 2);
    if (status !== 0) throw new SocksRefusal('it rejects the login');
  } else if (method !== NO_LOGIN) {
    throw new SocksRefusal('it requires a login');
  }
  const connect = Buffer.from([VERSION, 1, 0]);
  socket.write(Buffer.concat([connect, address(host), Buffer.from([port >> 8, port & 0xff])]));
  const [, reply, , kind = 0] = await read(socket, 4);
  if (reply !== 0) throw new SocksRefusal(`it answers ${reply} for ${host}:${port}`);
  // The rest is the proxy's own address (4 or 16 bytes, or a name) and port, which nobody needs.
  const length = kind === 1 ? 4 : kind === 4 ? 16 : ((await read(socket, 1))[0] ?? 0);
  await read(socket, length + 2);
}

function address(host: string): Buffer {
  if (isIPv4(host)) return Buffer.from([1, ...host.split('.').map(Number)]);
  return isIPv6(host)
    ? Buffer.concat([Buffer.from([4]), ipv6(host)])
    : Buffer.concat([Buffer.from([3]), sized(host)]);
}

function ipv6(text: string): Buffer {
  // URL normalises the address: at most one `::`, and no dots.
  const [head = '', tail] = new URL(`http://[${text}]`).hostname.slice(1, -1).split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((hex) => `0x${hex}`));
  const [first, last] = [groups(head), groups(tail ?? '')];
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => 0);
  return Buffer.from([...first, ...zeros, ...last].map(Number).flatMap((n) => [n >> 8, n & 0xff]));
}

/** The text, preceded by its length in one byte. */
function sized(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length > 255)
    throw new SocksRefusal('it accepts at most 255 bytes of name or password');
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

async function read(socket: Socket, length: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let left = length; left > 0; ) {
    const bytes = await readSome(socket, left);
    pieces.push(bytes);
    left -= bytes.length;
  }
  return Buffer.concat(pieces);
}
