import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type ConnectionOptions, createSecureContext, getCACertificates } from 'node:tls';
import { systemErrorCode } from '../errors.ts';
import { type HostCertificates, type Identity, wrong } from './certificates.ts';

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
 * Whom a connection trusts, and who it says that it is. Without a check it still says the latter.
 *
 * @throws {RegistryError} `registry-config` for an identity that is none.
 */
export function trustOf(
  insecure: boolean,
  { authorities }: HostCertificates,
  identity: Identity | undefined,
): ConnectionOptions {
  const own = identity === undefined ? {} : { cert: identity.cert, key: identity.key };
  const ca = insecure ? [] : [...systemAuthorities(), ...authorities.flatMap(certificatesIn)];
  try {
    const secureContext = createSecureContext({ ...own, ca });
    return { secureContext, ...(insecure ? { rejectUnauthorized: false } : {}) };
  } catch (error) {
    if (identity === undefined) throw error;
    throw wrong(`${identity.path}: expected a certificate with its key, found ${reasonOf(error)}`);
  }
}

/**
 * The CAs that the running system trusts; Node's own where it has none. Reading one file takes a
 * fifth of the time that Node needs to list the system's.
 */
function systemAuthorities(): readonly (string | Buffer)[] {
  const { SSL_CERT_FILE: explicit } = process.env;
  for (const path of explicit === undefined ? BUNDLES : [explicit]) {
    try {
      return [readFileSync(path)];
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
    }
  }
  return getCACertificates('default');
}

/** The certificates of a file; what else stands in it is passed over, as by Go. */
function certificatesIn(pem: Buffer): readonly string[] {
  const blocks = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;
  return (pem.toString('latin1').match(blocks) ?? []).filter(isCertificate);
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

/** OpenSSL's own word: it never quotes what it reads. */
function reasonOf(error: unknown): string {
  return error instanceof Error && 'reason' in error ? String(error.reason) : 'none';
}
