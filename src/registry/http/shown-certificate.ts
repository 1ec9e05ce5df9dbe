import { X509Certificate } from 'node:crypto';
import { type DetailedPeerCertificate, TLSSocket } from 'node:tls';

/** The certificates that servers showed, by the errors of their connections, which have only codes. */
const byError = new WeakMap<object, DetailedPeerCertificate>();

/** Notes the certificate of a new connection, for the error if it is refused. */
export function noteCertificate(socket: unknown): void {
  if (!(socket instanceof TLSSocket)) return;
  let shown: DetailedPeerCertificate | undefined;
  // Before Node's own listener, which drops the connection if the certificate is refused.
  socket.prependOnceListener('secure', () => {
    shown = socket.getPeerCertificate(true);
  });
  socket.prependOnceListener('error', (error) => {
    if (shown !== undefined) byError.set(error, shown);
  });
}

/** The longest chain that is looked through: OpenSSL accepts no longer one either. */
const MAX_CHAIN = 100;

/** The certificates that were shown on the connection that ended with an error, the server's own first. */
export function shownCertificates(error: unknown): readonly X509Certificate[] {
  const shown = typeof error === 'object' && error !== null ? byError.get(error) : undefined;
  const chain: X509Certificate[] = [];
  let next = shown;
  while (next?.raw !== undefined && chain.length < MAX_CHAIN) {
    chain.push(new X509Certificate(next.raw));
    next = next.issuerCertificate === next ? undefined : next.issuerCertificate;
  }
  return chain;
}
