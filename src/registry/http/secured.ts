import { once } from 'node:events';
import { isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { Stalled } from './body.ts';
import { noteCertificate } from './shown-certificate.ts';

/**
 * Begins TLS on a connection.
 *
 * @param within in milliseconds.
 * @throws {Stalled}, or the error of TLS; the connection is destroyed then.
 */
export async function secured(
  socket: Socket,
  host: string,
  options: ConnectionOptions,
  within: number,
): Promise<TLSSocket> {
  const servername = isIP(host) === 0 ? host : '';
  const secure = connect({ ALPNProtocols: ['http/1.1'], ...options, socket, host, servername });
  noteCertificate(secure);
  const timer = setTimeout(() => secure.destroy(new Stalled(within)), within);
  try {
    await once(secure, 'secureConnect');
    return secure;
  } catch (error) {
    secure.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
