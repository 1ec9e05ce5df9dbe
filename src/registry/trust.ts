import { readFileSync } from 'node:fs';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { systemErrorCode } from '../errors.ts';

/** Where systems keep all their CAs in one file: the list of Go's crypto/x509, which engines use. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/**
 * The CAs that the running system trusts; Node's own where it has none. Reading one file takes a
 * fifth of the time that Node needs to list the system's.
 */
export function systemTrust(): SecureContext {
  const { SSL_CERT_FILE: explicit } = process.env;
  for (const path of explicit === undefined ? BUNDLES : [explicit]) {
    try {
      return createSecureContext({ ca: readFileSync(path) });
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
    }
  }
  return createSecureContext({ ca: getCACertificates('default') });
}
