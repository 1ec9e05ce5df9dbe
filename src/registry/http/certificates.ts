import { type Root, RootError } from '../../root/root.ts';
import { RegistryError } from '../errors.ts';

/** The files of certs.d for one registry: containers-certs.d(5). */
export interface HostCertificates {
  /** CAs to trust in addition to the system's; PEM. */
  readonly authorities: readonly Buffer[];
  /** Client certificates, in the order in which they are tried; PEM. */
  readonly identities: readonly Identity[];
}

export interface Identity {
  /** The file of the certificate. */
  readonly path: string;
  readonly cert: Buffer;
  readonly key: Buffer;
}

const NONE: HostCertificates = { authorities: [], identities: [] };

/**
 * Reads the first directory that exists for a registry, and no other.
 *
 * @param registry `HOST[:PORT]` as in image names: `docker.io`.
 * @throws {RegistryError} `registry-config` for a file that can't be read, or a certificate without
 *   its key.
 */
export function readCertificates(
  host: Root,
  directories: readonly string[],
  registry: string,
): HostCertificates {
  const directory = directories
    .map((path) => `${path}/${registry}`)
    .find((path) => allowed(() => host.lookup(path)) !== undefined);
  if (directory === undefined) return NONE;
  const names = (allowed(() => host.list(directory)) ?? []).map(({ name }) => name);
  const read = (name: string) => readFile(host, `${directory}/${name}`);
  return {
    authorities: names.filter((name) => name.endsWith('.crt')).flatMap((name) => read(name) ?? []),
    identities: basesOf(directory, names).map((base) => ({
      path: `${directory}/${base}.cert`,
      cert: read(`${base}.cert`) ?? Buffer.alloc(0),
      key: read(`${base}.key`) ?? Buffer.alloc(0),
    })),
  };
}

/** The names of the pairs of `.cert` and `.key` files, without these endings. */
function basesOf(directory: string, names: readonly string[]): readonly string[] {
  const lone = names.find((name) => {
    const other = name.replace(/\.(cert|key)$/, (suffix) => (suffix === '.key' ? '.cert' : '.key'));
    return !names.includes(other);
  });
  if (lone === undefined) {
    return names.filter((name) => name.endsWith('.cert')).map((name) => name.slice(0, -5));
  }
  const expected = lone.endsWith('.key') ? 'its certificate (.cert)' : 'its key (.key)';
  throw wrong(`${directory}/${lone}: expected ${expected} beside it, found none`);
}

function readFile(host: Root, path: string): Buffer | undefined {
  try {
    return host.readFile(path)?.content;
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    throw wrong(error.message, error);
  }
}

/** A directory that may not be read counts as missing, as for engines. */
function allowed<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof RootError && error.code === 'unreadable') return undefined;
    if (error instanceof RootError) throw wrong(error.message, error);
    throw error;
  }
}

/** The error for any fault in certs.d. */
export function wrong(message: string, cause?: unknown): RegistryError {
  return new RegistryError('registry-config', message, {
    hint: 'correct the directory: containers-certs.d(5) says what it may hold; CAs end in .crt',
    cause,
  });
}
