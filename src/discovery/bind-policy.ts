import { append } from '../common/append.ts';
import { hostConfigKeys } from '../common/config-keys.ts';
import { linesOfKeys } from '../common/toml-line.ts';
import { problemOf } from '../root/problem-of.ts';
import { type Root, RootError } from '../root/root.ts';
import { type Etc, followed } from '../systemd/etc.ts';
import type { Problem } from './problem.ts';
import type { BindMode, BindPolicy } from './reference.ts';

export interface FoundPolicy {
  readonly policy: BindPolicy;
  readonly problems: readonly Problem[];
}

/**
 * Reads `[bind]` of a root's own berth.toml: the distribution's file, then the administrator's,
 * which overrides it key by key. The settings of hosts count once the root is the running one, not here, where
 * the root is not trusted.
 */
export async function readBindPolicy(root: Root, etc: Etc): Promise<FoundPolicy> {
  let policy: BindPolicy = { include: [], exclude: [] };
  const problems: Problem[] = [];
  for (const path of ['/usr/lib/berth/berth.toml', `${etc}/berth/berth.toml`]) {
    try {
      const file = root.readFile(followed(root, etc, path));
      if (file === undefined) continue;
      const found = await parsePolicy(file.content.toString(), path);
      append(problems, found.problems);
      policy = { ...policy, ...found.policy, path };
    } catch (error) {
      if (!(error instanceof RootError)) throw error;
      problems.push({ ...problemOf(error), subject: subjectOf(path) });
    }
  }
  return { policy, problems };
}

type FilePolicy = Partial<{ -readonly [K in keyof BindPolicy]: BindPolicy[K] }>;

async function parsePolicy(
  text: string,
  path: string,
): Promise<{ policy: FilePolicy; problems: readonly Problem[] }> {
  // Most roots have no such file: only those that have one pay for the parser.
  const { parse, TomlError } = await import('smol-toml');
  let document: Readonly<Record<string, unknown>>;
  try {
    document = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split('\n', 1)[0] ?? '';
    const found = problem(path, error.line, `expected TOML, found ${reason}`);
    return { policy: {}, problems: [{ ...found, subject: subjectOf(path) }] };
  }
  const policy: FilePolicy = {};
  const problems: Problem[] = [];
  const lineOf = linesOfKeys(text);
  for (const [key, value] of Object.entries(document)) {
    if (isHostKey(key)) continue;
    if (key !== 'bind') {
      const message = `expected [bind] or a setting of hosts, found ${quoted(key)}`;
      problems.push(problem(path, lineOf(key), message));
    } else if (!isTable(value)) {
      const found = problem(path, lineOf(key), 'expected the table [bind], found a value');
      problems.push({ ...found, subject: subjectOf(path) });
    } else {
      for (const [name, setting] of Object.entries(value)) {
        const found = readSetting(policy, name, setting);
        if (found === undefined) continue;
        const settingProblem = problem(path, lineOf(name), found);
        const known = ['mode', 'include', 'exclude'].includes(name);
        problems.push(known ? { ...settingProblem, subject: subjectOf(path) } : settingProblem);
      }
    }
  }
  return { policy, problems };
}

/**
 * Puts one setting into the policy.
 *
 * @returns an error message if the setting is invalid.
 */
function readSetting(policy: FilePolicy, name: string, value: unknown): string | undefined {
  switch (name) {
    case 'mode':
      if (!isMode(value)) return 'expected mode to be "linked", "enabled" or "all"';
      policy.mode = value;
      return undefined;
    case 'include':
    case 'exclude':
      if (!isListOfText(value)) return `expected ${name} to be a list of globs`;
      policy[name] = value;
      return undefined;
    default:
      return `expected mode, include or exclude in [bind], found ${quoted(name)}`;
  }
}

const isHostKey = (key: string) => hostConfigKeys.some((known) => known === key);

function isMode(value: unknown): value is BindMode {
  return value === 'linked' || value === 'enabled' || value === 'all';
}

function isListOfText(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function problem(path: string, line: number | undefined, message: string): Problem {
  return {
    code: 'root-config',
    path,
    ...(line === undefined ? {} : { line }),
    message,
    hint: 'correct the file; [bind] may have mode, include and exclude',
  };
}

/**
 * The subject of a problem with the policy. It counts as bound: while the policy can't be read,
 * nobody knows what is bound, and the root must not pass for ready.
 */
function subjectOf(path: string) {
  return { unitPath: path, unit: 'berth.toml', bind: true };
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
