import * as v from 'valibot';
import { checkBy } from '../../common/check-by.ts';
import { onceFor } from '../../common/once-for.ts';
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
    const checked = checkBy(schema, format === 'dockercfg' ? { auths: document } : document);
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
  file: AuthFile,
  registry: string,
  repository: string,
  format: 'auth.json' | 'dockercfg' = 'auth.json',
): Found | undefined {
  const { auths, credHelpers } = file;
  const helper = Object.hasOwn(credHelpers, registry) ? credHelpers[registry] : undefined;
  if (helper !== undefined) return { kind: 'helper', name: helper };
  const exact = format === 'dockercfg' ? [registry] : keysOf(registry, repository);
  const key =
    exact.find((candidate) => Object.hasOwn(auths, candidate)) ??
    keysByHost[format](file).get(normalised(registry));
  if (key === undefined) return undefined;
  const known = readEntriesOf(file);
  if (!known.has(key)) known.set(key, readEntry(key, auths[key]));
  return known.get(key);
}

/** The entries that were read, by key: many images may share a long one. */
const readEntriesOf = onceFor<AuthFile, Map<string, Found | undefined>>(() => new Map());

function readEntry(key: string, written: Entry | null | undefined): Found | undefined {
  const encoded = (written?.auth ?? '').replace(/[\r\n]/g, '');
  if (!BASE64.test(encoded)) return { kind: 'illegible', key };
  const credentials = decode(encoded, written?.identitytoken ?? '');
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

/** The first key for each host: a root can have a file with thousands of keys, and as many images to look up in it. */
const keysByHost = {
  'auth.json': onceFor(({ auths }: AuthFile) => firstKeys(auths, 'auth.json')),
  dockercfg: onceFor(({ auths }: AuthFile) => firstKeys(auths, 'dockercfg')),
};

function firstKeys(
  auths: AuthFile['auths'],
  format: 'auth.json' | 'dockercfg',
): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  for (const key of Object.keys(auths)) {
    const host = hostOf(key, format);
    if (!keys.has(host)) keys.set(host, key);
  }
  return keys;
}

/** The registry that a key names: `quay.io`, `https://quay.io/v1/`. */
function hostOf(key: string, format: 'auth.json' | 'dockercfg'): string {
  const bare = key.replace(/^http:\/\//, '').replace(/^https:\/\//, '');
  // In a key without a scheme a slash begins a namespace: such keys must match exactly.
  const isHost = bare === key && format === 'auth.json';
  return normalised(isHost ? bare : bare.replace(/\/.*$/s, ''));
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
  const password = withoutNuls(text.slice(colon + 1));
  if (username === '' && password === '' && token === '') return undefined;
  return {
    username,
    password: new Secret(password),
    ...(token === '' ? {} : { identityToken: new Secret(token) }),
  };
}

/** The text without NULs at both ends, in linear time: the pattern `/\0+$/` takes quadratic time. */
function withoutNuls(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text[start] === '\0') start++;
  while (end > start && text[end - 1] === '\0') end--;
  return text.slice(start, end);
}
