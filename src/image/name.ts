import { cutShort } from '../common/concealed.ts';
import { isDigest } from './digest.ts';
import type { ShortNames } from './short-names.ts';

/** The codes of names that mean no image, or may mean several. */
export type NameProblemCode = 'image-name' | 'short-name' | 'ambiguous-short-name';

export type NameResult =
  | { readonly ok: true; readonly name: string }
  | {
      readonly ok: false;
      readonly code: NameProblemCode;
      readonly message: string;
      readonly hint: string;
    };

/** The parts of a full name. `repository` is without the registry: `library/nginx`. */
export interface NameParts {
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

/**
 * The full name of an image, however the image is written: `docker.io/library/x:latest` for `x`,
 * `docker.io/x` and `index.docker.io/library/x:latest`. A tag beside a digest has no meaning and is
 * dropped, as in podman and docker.
 *
 * The grammar is that of github.com/distribution/reference. Short names are looked up as in
 * containers-registries.conf(5). A name that could mean several images is refused.
 */
export function fullName(raw: string, shortNames: ShortNames): NameResult {
  if (raw.length > MAX_LENGTH) return invalid(raw, `it is longer than ${MAX_LENGTH} characters`);
  const hasTransport = raw.startsWith(TRANSPORT);
  const text = hasTransport ? raw.slice(TRANSPORT.length) : raw;
  const parsed = parse(text);
  if (typeof parsed === 'string') return invalid(raw, parsed);
  if (parsed.registry !== undefined) return canonical(raw, parsed.registry, parsed);
  if (hasTransport) return canonical(raw, DOCKER_HUB, parsed);
  return lookUp(raw, parsed, shortNames);
}

/** The parts of a name that `fullName` made. */
export function parseName(full: string): NameParts {
  const { registry, path, tag, digest } = parseOrThrow(full);
  return {
    registry,
    repository: path,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/**
 * The parts of a name as parsed by github.com/distribution/reference. A missing registry becomes
 * docker.io; other missing parts stay absent.
 *
 * @returns undefined if the text is no name.
 */
export function parseReference(text: string): NameParts | undefined {
  const parsed = parse(text);
  if (typeof parsed === 'string') return undefined;
  const registry = registryOf(parsed.registry ?? DOCKER_HUB);
  const { path, tag, digest } = parsed;
  const repository = repositoryUnder(registry, path);
  if (`${registry}/${repository}`.length > MAX_NAME_LENGTH) return undefined;
  return {
    registry,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** The inverse of `parseReference`. */
export function formatReference({ registry, repository, tag, digest }: NameParts): string {
  const suffix = `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
  return `${registry}/${repository}${suffix}`;
}

/** Whether the text is a full name in the form of `fullName`, or an image id. */
export function isNameOrId(text: string): boolean {
  if (isDigest(text)) return true;
  const result = fullName(text, { aliases: {}, searchRegistries: [] });
  return result.ok && result.name === text;
}

/** Whether the name may come to mean another image: it is neither a name by digest nor an id. */
export function isTag(name: string): boolean {
  return !name.includes('@') && !isDigest(name);
}

/** Whether the text is a registry, or a registry with a path, so that names can begin with it. */
export function isNamePrefix(text: string): boolean {
  const [host = '', ...components] = text.split('/');
  return HOST.test(host) && components.every((component) => PATH_COMPONENT.test(component));
}

/** A full name without its tag or digest. */
export function repositoryOf(name: string): string {
  return name.replace(/(:[^:/@]*|@.*)$/, '');
}

/** Room for the longest repository, tag and digest together. Longer input is refused unread. */
const MAX_LENGTH = 512;

/** The limit for registry and repository together, as in podman's copy of the grammar. */
const MAX_NAME_LENGTH = 255;

const DOCKER_HUB = 'docker.io';

/** podman's prefix for "from a registry". A name behind it is never a short name. */
const TRANSPORT = 'docker://';

const EXPECTED = 'write it as REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:DIGEST';

interface Parsed {
  readonly registry?: string;
  readonly path: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** Splits a name by the grammar. A returned string says what is wrong with the name. */
function parse(text: string): Parsed | string {
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) {
    return 'what follows the @ is not sha256: and 64 lower-case hexadecimal digits';
  }
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  if (tag !== undefined && !/^\w[\w.-]{0,127}$/.test(tag)) return 'its tag is not a valid one';
  const name = colon < 0 ? named : named.slice(0, colon);
  const suffix = {
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  if (!/[.:]/.test(first) && first !== 'localhost') {
    return wrongPath(name) ?? { path: name, ...suffix };
  }
  if (!HOST.test(first)) return 'what stands before the first slash is not a host name';
  const path = name.slice(slash + 1);
  return wrongPath(path) ?? { registry: first, path, ...suffix };
}

/** The host of a registry: `domain-name | IPv4 | [ IPv6 ]`, then an optional port. */
const HOST =
  /^(?:\[[0-9a-fA-F:]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*)(?::[0-9]+)?$/;

const PATH_COMPONENT = /^[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*$/;

function wrongPath(path: string): string | undefined {
  if (path === '') return 'it names no repository';
  if (/^[0-9a-f]{64}$/.test(path)) return 'it is the ID of an image, not a name';
  const wrong = path.split('/').find((component) => !PATH_COMPONENT.test(component));
  if (wrong === undefined) return undefined;
  if (/[A-Z]/.test(wrong)) return 'its repository has upper-case letters';
  return `${show(wrong)} can't be a part of a repository's name`;
}

/** Adds the missing parts. The registry keeps its spelling, as in engines. */
function canonical(raw: string, registry: string, { path, tag, digest }: Parsed): NameResult {
  const host = registryOf(registry);
  const name = `${host}/${repositoryUnder(host, path)}`;
  if (name.length > MAX_NAME_LENGTH) {
    return invalid(raw, `registry and repository are longer than ${MAX_NAME_LENGTH} characters`);
  }
  const full = `${name}${digest === undefined ? `:${tag ?? 'latest'}` : `@${digest}`}`;
  // Most names are written in full: the same string again takes no memory.
  return { ok: true, name: full === raw ? raw : full };
}

function registryOf(written: string): string {
  return written === 'index.docker.io' ? DOCKER_HUB : written;
}

function repositoryUnder(registry: string, path: string): string {
  return registry === DOCKER_HUB && !path.includes('/') ? `library/${path}` : path;
}

function lookUp(raw: string, parsed: Parsed, shortNames: ShortNames): NameResult {
  const { path } = parsed;
  const written = aliasOf(path, shortNames);
  if (written !== undefined) {
    const alias = parse(written);
    if (typeof alias === 'string' || alias.registry === undefined) {
      return invalid(raw, 'its alias in registries.conf is not a full name');
    }
    return canonical(raw, alias.registry, { ...parsed, path: alias.path });
  }
  const candidates = shortNames.searchRegistries.map((registry) => underRegistry(registry, parsed));
  const [only, ...others] = candidates;
  if (only === undefined) {
    return {
      ok: false,
      code: 'short-name',
      message: `expected an image name with its registry, found ${show(raw)}, for which registries.conf has neither an alias nor a search registry`,
      hint: EXPECTED,
    };
  }
  if (others.length === 0) return only;
  const names = candidates.map((candidate) => (candidate.ok ? candidate.name : '?')).join(', ');
  return {
    ok: false,
    code: 'ambiguous-short-name',
    message: `${show(raw)} may mean several images by registries.conf: ${names}`,
    hint: 'write the one that is meant with its registry, or add it to [aliases]',
  };
}

function aliasOf(path: string, { remembered = {}, aliases }: ShortNames): string | undefined {
  if (Object.hasOwn(remembered, path)) return remembered[path] || undefined;
  return Object.hasOwn(aliases, path) ? aliases[path] : undefined;
}

function underRegistry(registry: string, { path, tag, digest }: Parsed): NameResult {
  const text = `${registry}/${path}`;
  const parsed = parse(text);
  if (typeof parsed === 'string') return invalid(text, parsed);
  const suffix = {
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
  // By the grammar a search registry without dot or port is part of the path, and no registry.
  return canonical(text, parsed.registry ?? DOCKER_HUB, { path: parsed.path, ...suffix });
}

function parseOrThrow(full: string): Parsed & { readonly registry: string } {
  const parsed = parse(full);
  if (typeof parsed === 'string') throw new Error(`${show(full)} is no image name: ${parsed}`);
  const { registry } = parsed;
  if (registry === undefined) throw new Error(`${show(full)} is not a full image name`);
  return { ...parsed, registry };
}

function invalid(raw: string, reason: string): NameResult {
  return {
    ok: false,
    code: 'image-name',
    message: `${show(raw)} can't be an image name: ${reason}`,
    hint: EXPECTED,
  };
}

function show(text: string): string {
  return JSON.stringify(cutShort(text, 100));
}

/** The name by digest: `registry.example.com/app@sha256:…` for `registry.example.com/app:1`. */
export function byDigest(name: string, digest: string): string {
  return `${repositoryOf(name)}@${digest}`;
}

/** The digest that an engine lists for an image under the repository of the name. */
export function digestOf(name: string, digests: readonly string[]): string | undefined {
  const repository = repositoryOf(name);
  const found = digests.find((digest) => digest.startsWith(`${repository}@`));
  return (found ?? digests[0])?.replace(/^.*@/, '');
}
