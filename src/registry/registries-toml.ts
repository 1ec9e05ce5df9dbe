import { parse, TomlError } from 'smol-toml';
import * as v from 'valibot';

/** What one file of registries.conf says; absent is not the same as empty. */
export interface Fragment {
  readonly searchRegistries?: readonly string[];
  readonly rules: readonly RegistryRule[];
  /** Short name → repository; an empty value takes an earlier alias away. */
  readonly aliases: Readonly<Record<string, string>>;
}

/** One `[[registry]]` table. */
export interface RegistryRule {
  /** What image names begin with: `quay.io/acme`, or `*.example.com`. */
  readonly prefix: string;
  /** What takes its place; empty where a wildcard leaves names as they are. */
  readonly location: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
}

/** What is wrong with a file, and where. */
export interface TomlFault {
  readonly message: string;
  readonly line?: number;
}

/** Reads the text of a file: containers-registries.conf(5), version 2. Unknown keys are let be. */
export function parseRegistriesToml(
  text: string,
): { readonly fragment: Fragment } | { readonly fault: TomlFault } {
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [first = 'not TOML'] = error.message.split('\n');
    return { fault: { message: first.replace(/^Invalid TOML document: /, ''), line: error.line } };
  }
  const checked = v.safeParse(file, document);
  if (!checked.success) {
    const [issue] = checked.issues;
    return { fault: { message: `${v.getDotPath(issue) ?? 'the file'}: ${issue.message}` } };
  }
  const { output } = checked;
  if (output.registries !== undefined) {
    return {
      fault: { message: 'expected version 2 of the format, found the tables of version 1' },
    };
  }
  const rules: RegistryRule[] = [];
  for (const table of output.registry ?? []) {
    const rule = ruleOf(table);
    if (typeof rule === 'string') return { fault: { message: rule } };
    rules.push(rule);
  }
  const searchRegistries = output['unqualified-search-registries'];
  const aliases = output.aliases ?? {};
  return {
    fragment: { rules, aliases, ...(searchRegistries === undefined ? {} : { searchRegistries }) },
  };
}

const host = v.pipe(v.string(), v.regex(/^[\w.:[\]-]+$/, 'expected HOST or HOST:PORT'));

const table = v.object({
  prefix: v.optional(v.string(), ''),
  location: v.optional(v.string(), ''),
  insecure: v.optional(v.boolean(), false),
  blocked: v.optional(v.boolean(), false),
});

const file = v.object({
  'unqualified-search-registries': v.optional(v.array(host)),
  registry: v.optional(v.array(table)),
  aliases: v.optional(v.record(v.string(), v.string())),
  registries: v.optional(v.unknown()),
});

/** The rule of a table; a string says what is wrong with it. */
function ruleOf(written: v.InferOutput<typeof table>): RegistryRule | string {
  const prefix = written.prefix.replace(/\/+$/, '');
  const location = written.location.replace(/\/+$/, '');
  const { insecure, blocked } = written;
  for (const part of [prefix, location]) {
    if (part.includes('://')) return `expected a registry without a scheme, found ${show(part)}`;
  }
  if (prefix === '' && location === '') return 'expected a prefix or a location in [[registry]]';
  if (location.includes('*')) return `expected no wildcard in a location, found ${show(location)}`;
  if (/^\*\.[^*/:]+$/.test(prefix)) return { prefix, location, insecure, blocked };
  if (prefix.includes('*')) return `expected a prefix like *.example.com, found ${show(prefix)}`;
  return { prefix: prefix || location, location: location || prefix, insecure, blocked };
}

function show(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
