import * as v from 'valibot';
import { Secret } from '../secret.ts';

/** What proves who asks: a password, or a refresh token (`identitytoken`) where one is given. */
export interface Credentials {
  readonly username: string;
  readonly password: Secret;
  readonly identityToken?: Secret;
}

/** An auth.json or docker's config.json, as far as it is about credentials. */
export interface AuthFile {
  readonly auths: Readonly<Record<string, Entry>>;
  /** Registry → the `NAME` of `docker-credential-NAME`. */
  readonly credHelpers: Readonly<Record<string, string>>;
  /** The helper that holds what `auths` has no password for. */
  readonly credsStore?: string | undefined;
}

interface Entry {
  readonly auth?: string | undefined;
  readonly identitytoken?: string | undefined;
}

/** What a file says of a registry: credentials, or the helper that has them. */
export type Found =
  | { readonly kind: 'credentials'; readonly credentials: Credentials }
  | { readonly kind: 'helper'; readonly name: string; readonly server: string };

/** Docker's name for Docker Hub in its configuration. */
const DOCKER_HUB_URL = 'https://index.docker.io/v1/';

/** Undefined if it is not such a file; why is not told, as it might quote a password. */
export function parseAuthFile(text: string): AuthFile | undefined {
  try {
    const checked = v.safeParse(schema, JSON.parse(text));
    return checked.success ? checked.output : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const name = v.pipe(v.string(), v.regex(/^[\w.-]{1,64}$/));
const entry = v.object({ auth: v.optional(v.string()), identitytoken: v.optional(v.string()) });
const schema = v.object({
  auths: v.optional(v.record(v.string(), entry), {}),
  credHelpers: v.optional(v.record(v.string(), name), {}),
  credsStore: v.optional(
    v.union([
      v.pipe(
        v.literal(''),
        v.transform(() => undefined),
      ),
      name,
    ]),
  ),
});

/**
 * What a file says of a repository: the most specific key of containers-auth.json(5), then keys
 * as docker wrote them, with a scheme and a path.
 */
export function findInAuthFile(
  file: AuthFile,
  registry: string,
  repository: string,
): Found | undefined {
  const helper = Object.entries(file.credHelpers).find(([key]) => isOf(registry, key));
  if (helper !== undefined) {
    return { kind: 'helper', server: helper[0], name: helper[1] };
  }
  for (const key of keysOf(registry, repository)) {
    const credentials = Object.hasOwn(file.auths, key) ? decode(file.auths[key]) : undefined;
    if (credentials !== undefined) return { kind: 'credentials', credentials };
  }
  for (const [key, entry] of Object.entries(file.auths)) {
    const credentials = isOf(registry, key) ? decode(entry) : undefined;
    if (credentials !== undefined) return { kind: 'credentials', credentials };
  }
  if (file.credsStore === undefined) return undefined;
  const server = registry === 'docker.io' ? DOCKER_HUB_URL : registry;
  return { kind: 'helper', server, name: file.credsStore };
}

/** `registry/a/b`, `registry/a`, `registry`. */
function keysOf(registry: string, repository: string): readonly string[] {
  const parts = repository.split('/');
  return parts
    .map((_, i) => [registry, ...parts.slice(0, parts.length - i)].join('/'))
    .concat(registry);
}

/** Whether a key names the registry itself: `quay.io`, `https://quay.io/v1/`. */
function isOf(registry: string, key: string): boolean {
  const bare = key.replace(/^https?:\/\//, '');
  // Without a scheme, what follows a slash is a namespace: those are found by their exact key.
  const host = bare === key ? bare : bare.replace(/\/.*$/s, '');
  const names = host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
  return names === registry;
}

/** `auth` is base64 of `user:password`; docker leaves it empty where a helper has the password. */
function decode(entry: Entry | undefined): Credentials | undefined {
  const text = Buffer.from(entry?.auth ?? '', 'base64')
    .toString('utf8')
    .replace(/\0+$/, '');
  const colon = text.indexOf(':');
  const username = colon < 0 ? '' : text.slice(0, colon);
  const password = new Secret(colon < 0 ? '' : text.slice(colon + 1));
  if (entry?.identitytoken) {
    return { username, password, identityToken: new Secret(entry.identitytoken) };
  }
  return username === '' ? undefined : { username, password };
}
