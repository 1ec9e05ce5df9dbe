import * as v from 'valibot';
import { Secret } from '../../common/secret.ts';

/** A username with a password, or with a refresh token (`identitytoken`). */
export interface Credentials {
  readonly username: string;
  readonly password: Secret;
  readonly identityToken?: Secret;
}

/** The credentials of an auth.json, or of docker's config.json or .dockercfg. */
export interface AuthFile {
  readonly auths: Readonly<Record<string, Entry | null>>;
  /** Registry → the `NAME` of `docker-credential-NAME`. */
  readonly credHelpers: Readonly<Record<string, string>>;
  /** The helper that has the passwords that `auths` lacks. */
  readonly credsStore?: string;
}

interface Entry {
  readonly auth?: string | null | undefined;
  readonly identitytoken?: string | null | undefined;
}

/** What a file has for a registry: credentials, the helper that has them, or an unreadable entry. */
export type Found =
  | { readonly kind: 'credentials'; readonly credentials: Credentials }
  | { readonly kind: 'illegible'; readonly key: string }
  | { readonly kind: 'helper'; readonly name: string };

/**
 * Parses an auth file; undefined if the text is none. The reason is not told, since it might quote a
 * password.
 */
export function parseAuthFile(
  text: string,
  format: 'auth.json' | 'dockercfg' = 'auth.json',
): AuthFile | undefined {
  try {
    const document: unknown = JSON.parse(text);
    const checked = v.safeParse(schema, format === 'dockercfg' ? { auths: document } : document);
    if (!checked.success) return undefined;
    const { auths, credHelpers, credsStore } = checked.output;
    return {
      auths: auths ?? {},
      credHelpers: credHelpers ?? {},
      ...(credsStore ? { credsStore } : {}),
    };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const entry = v.object({ auth: v.nullish(v.string()), identitytoken: v.nullish(v.string()) });
const schema = v.object({
  auths: v.nullish(v.record(v.string(), v.nullable(entry)), {}),
  credHelpers: v.nullish(v.record(v.string(), v.string()), {}),
  credsStore: v.nullish(v.string()),
});

/**
 * What a file has for a repository. The keys of containers-auth.json(5) are looked up first, from the most
 * specific one, then keys as docker wrote them, with a scheme and a path. The first key that exists counts;
 * if its entry has no password, the next file is read.
 */
export function findInAuthFile(
  { auths, credHelpers }: AuthFile,
  registry: string,
  repository: string,
  format: 'auth.json' | 'dockercfg' = 'auth.json',
): Found | undefined {
  const helper = Object.hasOwn(credHelpers, registry) ? credHelpers[registry] : undefined;
  if (helper !== undefined) return { kind: 'helper', name: helper };
  const exact = format === 'dockercfg' ? [registry] : keysOf(registry, repository);
  const key =
    exact.find((candidate) => Object.hasOwn(auths, candidate)) ??
    Object.keys(auths).find((candidate) => isOf(registry, candidate, format));
  if (key === undefined) return undefined;
  const encoded = (auths[key]?.auth ?? '').replace(/[\r\n]/g, '');
  if (!BASE64.test(encoded)) return { kind: 'illegible', key };
  const credentials = decode(encoded, auths[key]?.identitytoken ?? '');
  return credentials === undefined ? undefined : { kind: 'credentials', credentials };
}

/** Base64 with padding, as Go's encoding/base64 requires. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The keys to look up: `registry/a/b`, `registry/a`, `registry`. */
function keysOf(registry: string, repository: string): readonly string[] {
  const parts = repository.split('/');
  return parts
    .map((_, i) => [registry, ...parts.slice(0, parts.length - i)].join('/'))
    .concat(registry);
}

/** Whether a key names the registry itself: `quay.io`, `https://quay.io/v1/`. */
function isOf(registry: string, key: string, format: 'auth.json' | 'dockercfg'): boolean {
  const bare = key.replace(/^http:\/\//, '').replace(/^https:\/\//, '');
  // In a key without a scheme a slash begins a namespace: such keys must match exactly.
  const isHost = bare === key && format === 'auth.json';
  return normalised(isHost ? bare : bare.replace(/\/.*$/s, '')) === normalised(registry);
}

/** Docker Hub has three names. */
function normalised(host: string): string {
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
}

/** Decodes `user:password`; docker leaves the text empty if a helper has the password. */
function decode(encoded: string, token: string): Credentials | undefined {
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) return undefined;
  const username = text.slice(0, colon);
  const password = text.slice(colon + 1).replace(/^\0+|\0+$/g, '');
  if (username === '' && password === '' && token === '') return undefined;
  return {
    username,
    password: new Secret(password),
    ...(token === '' ? {} : { identityToken: new Secret(token) }),
  };
}
