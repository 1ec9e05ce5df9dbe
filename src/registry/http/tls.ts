import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ConnectionOptions, createSecureContext, getCACertificates } from 'node:tls';
import { systemErrorCode } from '../../common/errors.ts';
import { type HostCertificates, type Identity, wrong } from './certificates.ts';

/** Files with all CAs of the system: the list of Go's crypto/x509, which engines use. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** Directories with one CA in each file: Go's list. */
const DIRECTORIES = ['/etc/ssl/certs', '/etc/pki/tls/certs'];

/** Paths of CAs that replace the usual ones of the system. */
export interface AuthorityPaths {
  /** A file with all CAs: `SSL_CERT_FILE`. */
  readonly bundle?: string;
  /** Directories with a file for each CA: `SSL_CERT_DIR`. */
  readonly directories?: readonly string[];
}

/** The paths in the variables that Go's crypto/x509, and so every engine, obeys. */
export function authorityPathsOf(environment: NodeJS.ProcessEnv): AuthorityPaths {
  const { SSL_CERT_FILE: bundle, SSL_CERT_DIR: directories } = environment;
  return {
    ...(bundle ? { bundle } : {}),
    ...(directories ? { directories: directories.split(':') } : {}),
  };
}

/**
 * How far to look for the system's CAs. Reading the bundle takes a fifth of the time that Node needs to
 * list all CAs; the bundle lacks only CAs that somebody has put into a directory by hand.
 */
export type Extent = 'bundle' | 'directories';

/**
 * The CAs that a connection trusts, and the client certificate that it presents: the identity with that
 * index, if it exists. The certificate is presented even if the server's is not checked.
 *
 * @throws {RegistryError} `registry-config` if an identity is not a certificate with its key.
 */
export function tlsOptionsOf(
  insecure: boolean,
  { authorities, identities }: HostCertificates,
  index: number,
  extent: Extent,
  authorityPaths: AuthorityPaths,
): ConnectionOptions {
  for (const identity of identities) check(identity);
  const { cert, key } = identities[index] ?? {};
  const own = cert === undefined ? {} : { cert, key };
  const ca = insecure
    ? []
    : [...systemAuthorities(extent, authorityPaths), ...authorities.flatMap(certificatesIn)];
  return {
    secureContext: createSecureContext({ ...own, ca }),
    // Always set: Node's default depends on NODE_TLS_REJECT_UNAUTHORIZED.
    rejectUnauthorized: !insecure,
  };
}

function check({ path, cert, key }: Identity): void {
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw wrong(`${path}: expected a certificate with its key, found ${reasonOf(error)}`);
  }
}

/** The CAs as Go's crypto/x509 finds them; if the system has none, those that come with Node. */
function systemAuthorities(
  extent: Extent,
  { bundle, directories = DIRECTORIES }: AuthorityPaths,
): readonly (string | Buffer)[] {
  const first = firstOf(bundle === undefined ? BUNDLES : [bundle]);
  const found = first === undefined ? [] : [first];
  if (extent === 'bundle') return found;
  const all = [...found, ...directories.flatMap(filesIn).flatMap(certificatesIn)];
  return all.length > 0 ? all : getCACertificates('bundled');
}

function firstOf(paths: readonly string[]): Buffer | undefined {
  for (const path of paths) {
    try {
      return readFileSync(path);
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
    }
  }
  return undefined;
}

/** Reads the files of a directory. Files that can't be read are skipped, as in Go. */
function filesIn(directory: string): readonly Buffer[] {
  try {
    return readdirSync(directory).flatMap((name) => firstOf([join(directory, name)]) ?? []);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return [];
  }
}

/** The certificates of a file; other content is skipped, as in Go. */
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

/** OpenSSL's reason, which never quotes the file. */
function reasonOf(error: unknown): string {
  return error instanceof Error && 'reason' in error ? String(error.reason) : 'none';
}
