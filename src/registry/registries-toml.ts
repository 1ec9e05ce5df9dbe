import { parse, TomlError } from 'smol-toml';
import * as v from 'valibot';
import { checkBy } from '../common/check-by.ts';
import { trimmedEnd } from '../common/text/trimmed-end.ts';
import { fullName } from '../image/name.ts';

/** The settings in one file of registries.conf. An absent key differs from an empty one. */
export interface Fragment {
  readonly searchRegistries?: readonly string[];
  /** The sources of credentials, in order: helpers, and `containers-auth.json` for the auth files. */
  readonly credentialHelpers?: readonly string[];
  readonly rules: readonly RegistryRule[];
  /** Short name → repository; an empty value removes an earlier alias. */
  readonly aliases: Readonly<Record<string, string>>;
}

/** One `[[registry]]` table. */
export interface RegistryRule {
  /** The prefix of image names: `quay.io/acme`, or `*.example.com`. */
  readonly prefix: string;
  /** The text that replaces the prefix; empty if a wildcard rule leaves names as they are. */
  readonly location: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
  /** The mirrors, which are asked before the location, in this order. */
  readonly mirrors: readonly Mirror[];
}

export interface Mirror {
  readonly location: string;
  readonly insecure: boolean;
  /** The names for which the mirror is asked. */
  readonly use: 'all' | 'digest-only' | 'tag-only';
}

/** A fault in a file, and its line. */
export interface TomlFault {
  readonly message: string;
  readonly line?: number;
}

/**
 * Parses a file: containers-registries.conf(5). Unknown keys are ignored.
 *
 * @param kind version 1 of the format, which still works, is allowed only in the main file.
 */
export function parseRegistriesToml(
  text: string,
  kind: 'main' | 'drop-in',
): { readonly fragment: Fragment } | { readonly fault: TomlFault } {
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [first = 'not TOML'] = error.message.split('\n');
    return { fault: { message: first.replace(/^Invalid TOML document: /, ''), line: error.line } };
  }
  const checked = checkBy(file, document);
  if (!checked.success) {
    const [issue] = checked.issues;
    return { fault: { message: `${v.getDotPath(issue) ?? 'the file'}: ${issue.message}` } };
  }
  const fragment = isVersion1(checked.output)
    ? fromVersion1(checked.output, kind)
    : fromVersion2(checked.output);
  return typeof fragment === 'string' ? { fault: { message: fragment } } : { fragment };
}

const host = v.pipe(
  v.string(),
  v.transform(trimmed),
  v.regex(/^[\w.:[\]-]+$/, 'expected HOST or HOST:PORT'),
);
const flag = v.optional(v.boolean(), false);
const text = v.optional(v.string(), '');

const mirror = v.object({
  location: text,
  insecure: flag,
  'pull-from-mirror': v.optional(v.picklist(['', 'all', 'digest-only', 'tag-only']), ''),
});

const table = v.object({
  prefix: text,
  location: text,
  insecure: flag,
  blocked: flag,
  mirror: v.optional(v.array(mirror), []),
  'mirror-by-digest-only': flag,
  'pull-from-mirror': v.optional(v.literal('', 'expected it only in a [[registry.mirror]]'), ''),
});

const version1List = v.optional(v.object({ registries: v.optional(v.array(v.string())) }), {});

const file = v.object({
  'unqualified-search-registries': v.optional(v.array(host)),
  'credential-helpers': v.optional(v.array(v.string())),
  'short-name-mode': v.optional(v.picklist(['', 'disabled', 'enforcing', 'permissive'])),
  registry: v.optional(v.array(table)),
  aliases: v.optional(v.record(v.string(), v.string())),
  registries: v.optional(
    v.object({ search: version1List, insecure: version1List, block: version1List }),
    {},
  ),
});

type File = v.InferOutput<typeof file>;
type Table = v.InferOutput<typeof table>;

function isVersion1({ registries }: File): boolean {
  return Object.values(registries).some((list) => list.registries !== undefined);
}

/** The fragment; a string says what is wrong. */
function fromVersion1({ registries, ...others }: File, kind: 'main' | 'drop-in') {
  if (kind === 'drop-in') return 'expected version 2 of the format, found the tables of version 1';
  if (Object.values(others).some((value) => value !== undefined)) {
    return 'expected one version of the format, found the tables of version 1 and keys of version 2';
  }
  const blocked = (registries.block.registries ?? []).map(trimmed);
  const insecure = (registries.insecure.registries ?? []).map(trimmed);
  const rules = [...new Set([...blocked, ...insecure])].map((location) => ({
    prefix: location,
    location,
    insecure: insecure.includes(location),
    blocked: blocked.includes(location),
    mirrors: [],
  }));
  return rules.find(({ location }) => wrongLocation(location) !== undefined) === undefined
    ? { rules, aliases: {}, searchRegistries: registries.search.registries ?? [] }
    : 'expected registries without a scheme in the tables of version 1';
}

/** The fragment; a string says what is wrong. */
function fromVersion2(written: File): Fragment | string {
  const aliases = written.aliases ?? {};
  const wrong = Object.entries(aliases).find(([name, target]) => !isAlias(name, target));
  if (wrong !== undefined) {
    return `expected an alias from a short name to a repository, found ${wrong.map(show).join(' = ')}`;
  }
  const rules = new Map<string, RegistryRule>();
  const byLocation = new Map<string, RegistryRule>();
  for (const table of written.registry ?? []) {
    const rule = ruleOf(table);
    if (typeof rule === 'string') return rule;
    const { prefix, location, insecure, blocked } = rule;
    const other = byLocation.get(location || prefix) ?? rule;
    if (other.insecure !== insecure || other.blocked !== blocked) {
      return `expected one value of insecure and blocked for ${show(location || prefix)}, found both`;
    }
    byLocation.set(location || prefix, other);
    // If a file has two tables for one prefix, the first counts.
    if (!rules.has(prefix)) rules.set(prefix, rule);
  }
  const searchRegistries = written['unqualified-search-registries'];
  const credentialHelpers = written['credential-helpers'];
  return {
    rules: [...rules.values()],
    aliases,
    ...(searchRegistries === undefined ? {} : { searchRegistries }),
    ...(credentialHelpers === undefined ? {} : { credentialHelpers }),
  };
}

function isAlias(name: string, target: string): boolean {
  const isFull = (text: string) => {
    const result = fullName(text, { searchRegistries: [], aliases: {} });
    return result.ok && !/@|:[^/]*$|:\/\//.test(text);
  };
  const slash = name.indexOf('/');
  const host = name.slice(0, Math.max(0, slash));
  const isShort = !/[.:]/.test(host) && host !== 'localhost';
  return isShort && isFull(`docker.io/${name}`) && (target === '' || isFull(target));
}

/** The rule in a table; a string says what is wrong with the table. */
function ruleOf(written: Table): RegistryRule | string {
  const location = trimmed(written.location);
  const prefix = trimmed(written.prefix) || location;
  const { insecure, blocked } = written;
  const wrong = wrongLocation(prefix) ?? wrongLocation(location);
  if (wrong !== undefined) return wrong;
  if (prefix === '') return 'expected a prefix or a location in [[registry]]';
  const isWildcard = prefix.startsWith('*.');
  if (isWildcard && /[/@:]/.test(prefix)) {
    return `expected a prefix like *.example.com, found ${show(prefix)}`;
  }
  if (!isWildcard && location === '') return `expected a location for the prefix ${show(prefix)}`;
  const mirrors = mirrorsOf(written);
  return typeof mirrors === 'string' ? mirrors : { prefix, location, insecure, blocked, mirrors };
}

function mirrorsOf(written: Table): readonly Mirror[] | string {
  const byDigestOnly = written['mirror-by-digest-only'];
  const mirrors: Mirror[] = [];
  for (const { location, insecure, 'pull-from-mirror': use } of written.mirror) {
    const wrong = wrongLocation(location);
    if (wrong !== undefined) return wrong;
    if (location === '') return 'expected a location in [[registry.mirror]]';
    if (byDigestOnly && use !== '') {
      return `expected mirror-by-digest-only or pull-from-mirror, found both (${show(location)})`;
    }
    mirrors.push({ location, insecure, use: use || (byDigestOnly ? 'digest-only' : 'all') });
  }
  return mirrors;
}

function trimmed(location: string): string {
  return trimmedEnd(location, '/');
}

function wrongLocation(location: string): string | undefined {
  if (!/^https?:\/\//.test(location)) return undefined;
  return `expected a registry without a scheme, found ${show(location)}`;
}

function show(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
