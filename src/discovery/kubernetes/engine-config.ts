import { posix } from 'node:path';
import { linesOfKeys } from '../../common/toml-line.ts';
import { problemOf } from '../../root/problem-of.ts';
import { RootError } from '../../root/root.ts';
import { followed, whereInTree } from '../../systemd/etc.ts';
import type { Problem } from '../problem.ts';
import type { SourceContext } from '../source.ts';
import type { ProgramFlag } from './program-flag.ts';

/** An image in the configuration of a container engine. */
export interface ConfiguredImage {
  readonly raw: string;
  readonly path: string;
  readonly line: number;
  readonly key: string;
  /** The service of the engine. */
  readonly unit: 'containerd.service' | 'cri-docker.service' | 'crio.service';
}

export type Table = Readonly<Record<string, unknown>>;

/** A parsed file; `text` is kept to find the lines of values. */
export interface ConfigFile {
  readonly path: string;
  readonly text: string;
  readonly table: Table;
}

/** The most imports of containerd's configuration or drop-ins of CRI-O's; hosts have a handful. */
export const maxFiles = 64;

/**
 * Reads a TOML file of the root; undefined if it does not exist or, with a problem, is unreadable.
 */
export async function readConfig(
  path: string,
  unit: string,
  { root, etc }: SourceContext,
  problems: Problem[],
): Promise<ConfigFile | undefined> {
  let text: string;
  try {
    const file = root.readFile(followed(root, etc, path));
    if (file === undefined) return undefined;
    text = file.content.toString();
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    problems.push({ ...problemOf(error), subject: { unitPath: path, unit } });
    return undefined;
  }
  // Most roots have no such file: only those that have one pay for the parser.
  const { parse, TomlError } = await import('smol-toml');
  try {
    return { path, text, table: parse(text) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split('\n', 1)[0] ?? '';
    problems.push(malformed(path, unit, error.line, `expected TOML, found ${reason}`));
    return undefined;
  }
}

/** The path that a flag of an engine names, in the tree; undefined if it names none. */
export function flagPath(
  flag: ProgramFlag | undefined,
  unit: string,
  { etc }: SourceContext,
  problems: Problem[],
): string | undefined {
  if (flag === undefined || flag.text === '') return undefined;
  const { path, line, text, fault } = flag;
  if (fault === undefined) return whereInTree(etc, posix.resolve('/', text));
  problems.push({ ...fault, path, line, subject: { unitPath: path, unit } });
  return undefined;
}

/** The names of the files in a directory, sorted; none if the directory does not exist. */
export function fileNames(
  directory: string,
  unit: string,
  { root, etc }: SourceContext,
  problems: Problem[],
): readonly string[] {
  try {
    const entries = root.list(followed(root, etc, directory)) ?? [];
    return entries.filter(({ kind }) => kind !== 'directory').map(({ name }) => name);
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    problems.push({ ...problemOf(error), subject: { unitPath: directory, unit } });
    return [];
  }
}

/** The image at a key. Its line is found by searching the text for the last part of the key. */
export function imageAt(
  { path, text }: ConfigFile,
  key: string,
  value: unknown,
  unit: ConfiguredImage['unit'],
  problems: Problem[],
): ConfiguredImage | undefined {
  if (value === undefined || value === '') return undefined;
  const line = linesOfKeys(text)(key.slice(key.lastIndexOf('.') + 1));
  if (typeof value === 'string') {
    return { raw: value, path, line: line ?? lineOfText(text, value), key, unit };
  }
  problems.push(malformed(path, unit, line, `expected the name of an image at ${key}`));
  return undefined;
}

/** The first line, 1-based, that contains a text outside comments; 1 if there is none. */
export function lineOfText(text: string, part: string): number {
  const lines = text.split('\n');
  return lines.findIndex((line) => !/^\s*#/.test(line) && line.includes(part)) + 1 || 1;
}

/** The table at a path of keys; undefined if any of them is missing or not a table. */
export function tableAt(table: Table, keys: readonly string[]): Table | undefined {
  let at: unknown = table;
  for (const key of keys) {
    if (!isTable(at) || !Object.hasOwn(at, key)) return undefined;
    at = at[key];
  }
  return isTable(at) ? at : undefined;
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function malformed(
  path: string,
  unit: string,
  line: number | undefined,
  message: string,
): Problem {
  return {
    code: 'engine-config',
    path,
    ...(line === undefined ? {} : { line }),
    message,
    hint: 'correct the file; the engine does not start with it as it is',
    subject: { unitPath: path, unit },
  };
}
