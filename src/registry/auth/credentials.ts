import { resolve } from 'node:path';
import { onceFor } from '../../common/once-for.ts';
import type { Secret } from '../../common/secret.ts';
import { parseName } from '../../image/name.ts';
import { type Root, RootError } from '../../root/root.ts';
import type { Access } from '../access.ts';
import { RegistryError } from '../errors.ts';
import { printable } from '../failure.ts';
import { type Credentials, findInAuthFile, parseAuthFile } from './auth-file.ts';
import type { CredentialHelpers } from './credential-helper.ts';

/** The files in which the running system may keep credentials, in the order in which they are read. */
export interface AuthPaths {
  /** `$REGISTRY_AUTH_FILE`: if it is set, no other file is read. */
  readonly explicit?: string;
  readonly paths: readonly string[];
}

/** containers-auth.json(5), then where ostree and bootc keep theirs (ostree-container auth). */
export function authPaths(
  environment: Readonly<Record<string, string | undefined>>,
  home: string,
  uid: number,
): AuthPaths {
  const { REGISTRY_AUTH_FILE: explicit } = environment;
  const runtime = environment['XDG_RUNTIME_DIR'] || `/run/containers/${uid}`;
  const runtimeFile = environment['XDG_RUNTIME_DIR'] ? 'containers/auth.json' : 'auth.json';
  const config = environment['XDG_CONFIG_HOME'] || `${home}/.config`;
  return {
    // Relative to the working directory, as for podman and skopeo.
    ...(explicit ? { explicit: resolve(explicit) } : {}),
    paths: [
      `${runtime}/${runtimeFile}`,
      `${config}/containers/auth.json`,
      `${environment['DOCKER_CONFIG'] || `${home}/.docker`}/config.json`,
      `${home}/.dockercfg`,
      '/run/ostree/auth.json',
      '/etc/ostree/auth.json',
      '/usr/lib/ostree/auth.json',
    ],
  };
}

/** The sources of the running system's credentials. */
export interface CredentialSources {
  readonly authFiles: AuthPaths;
  /** `credential-helpers` of registries.conf. */
  readonly helpers: readonly string[];
  readonly programs: CredentialHelpers;
}

/** The name of the auth files among the `credential-helpers` of registries.conf. */
const AUTH_FILES = 'containers-auth.json';

/** Docker's name for Docker Hub in its configuration. */
const DOCKER_HUB_URL = 'https://index.docker.io/v1/';

/**
 * The running system's own credentials for a repository. docker's `credsStore`, which
 * containers/image does not know, is asked last.
 *
 * @throws {RegistryError} `registry-config` if there are none and a file can't be read or a helper
 *   fails.
 */
export async function hostCredentials(
  host: Root,
  sources: CredentialSources,
  registry: string,
  repository: string,
): Promise<Credentials | undefined> {
  const { helpers, programs } = sources;
  let failed: RegistryError | undefined;
  for (const helper of helpers.length === 0 ? [AUTH_FILES] : helpers) {
    try {
      const credentials =
        helper === AUTH_FILES
          ? await inAuthFiles(host, sources, registry, repository)
          : await programs.ask(helper, registry);
      if (credentials !== undefined) return credentials;
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      failed ??= error;
    }
  }
  if (failed !== undefined) throw failed;
  return undefined;
}

async function inAuthFiles(
  host: Root,
  { authFiles: { explicit, paths }, programs }: CredentialSources,
  registry: string,
  repository: string,
): Promise<Credentials | undefined> {
  const stores = new Set<string>();
  for (const path of explicit === undefined ? paths : [explicit]) {
    const format = path !== explicit && path.endsWith('/.dockercfg') ? 'dockercfg' : 'auth.json';
    const text = read(host, path);
    if (text === undefined) continue;
    const file = parseAuthFile(text, format);
    if (file === undefined) throw wrongFile(path, 'something else');
    const found = findInAuthFile(file, registry, repository, format);
    if (found?.kind === 'credentials') return found.credentials;
    if (found?.kind === 'illegible') throw illegible(path, found.key);
    const credentials = found && (await programs.ask(found.name, registry));
    if (credentials !== undefined) return credentials;
    if (file.credsStore !== undefined) stores.add(file.credsStore);
  }
  for (const store of stores) {
    const server = registry === 'docker.io' ? DOCKER_HUB_URL : registry;
    const credentials = await programs.ask(store, server);
    if (credentials !== undefined) return credentials;
  }
  return undefined;
}

/**
 * The credentials that a unit gives for an image; `none` if none may be sent, `host` if the unit gives none
 * and the running system's are used.
 *
 * @param name a full name.
 * @throws {RegistryError} `registry-config` if the unit's auth file is not one.
 */
export async function unitCredentials(
  name: string,
  access: Access,
): Promise<Credentials | 'none' | 'host'> {
  const { registry, repository } = parseName(name);
  return accessCredentials(access, registry, repository);
}

/** As `Registry.credentials`. */
export async function credentialsFor(
  name: string,
  access: Access,
  ofHost: (registry: string, repository: string) => Promise<Credentials | undefined>,
): Promise<Credentials | undefined> {
  const found = await unitCredentials(name, access);
  if (found === 'none') return undefined;
  if (found !== 'host') return found;
  const { registry, repository } = parseName(name);
  return ofHost(registry, repository);
}

/** As `unitCredentials`, for the endpoint from which the image is fetched. */
export function accessCredentials(
  { credentials, tlsVerify }: Access,
  registry: string,
  repository: string,
): Credentials | 'none' | 'host' {
  // Without TLS it is uncertain who answers: only the unit's own credentials are sent.
  if (credentials === undefined) return tlsVerify === false ? 'none' : 'host';
  if (credentials.kind === 'basic') return credentials;
  const file = parsed(credentials.content);
  const where = `AuthFile= of a unit that needs ${registry}`;
  if (file === undefined) throw wrongFile(where, 'something else');
  const found = findInAuthFile(file, registry, repository);
  if (found?.kind === 'illegible') throw illegible(where, found.key);
  // A helper is a program of the running system: asking it would give away the system's credentials.
  return found?.kind === 'credentials' ? found.credentials : 'none';
}

/** Parsed once: a root can name a hundred thousand images. */
const parsed = onceFor((content: Secret) => parseAuthFile(content.reveal()));

function read(host: Root, path: string): string | undefined {
  try {
    return host.readFile(path)?.content.toString('utf8');
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    throw new RegistryError('registry-config', error.message, { hint: error.hint, cause: error });
  }
}

function illegible(path: string, key: string): RegistryError {
  return wrongFile(path, `an auth that is not base64 (${printable(key)})`);
}

function wrongFile(path: string, found: string): RegistryError {
  return new RegistryError('registry-config', `${path}: expected an auth.json, found ${found}`, {
    hint: 'write it again with `podman login`; containers-auth.json(5) says what it holds',
  });
}
