import type { Problem } from '../common/problem.ts';
import { fullName } from '../image/name.ts';
import { parsePlatform } from '../image/platform.ts';
import { problemOf } from '../root/problem-of.ts';
import { type Root, RootError } from '../root/root.ts';
import type { BindingProblemCode } from './problem-code.ts';

/** The path of the lock file in a root. */
export const LOCK_PATH = '/usr/lib/berth/lock.json';

/** The fixed meanings of a root's names, by full name. */
export type Lock = ReadonlyMap<string, LockedImage>;

export interface LockedImage {
  /** The digest of the index, or of the manifest if there is no index. */
  readonly digest: string;
  /** The digests of the manifests, by `os/architecture[/variant]`. */
  readonly platforms: ReadonlyMap<string, string>;
}

/** The lock of a root, or the problem of an unreadable lock file; empty if the root has none. */
export interface FoundLock {
  readonly lock?: Lock;
  /** The text of the file. */
  readonly text?: string;
  readonly problem?: Problem<BindingProblemCode>;
}

/** Room for ten thousand images of ten platforms each. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Reads the lock of a root. A root without a lock file is no problem. */
export async function readLock(root: Root): Promise<FoundLock> {
  try {
    const file = root.readFile(LOCK_PATH, MAX_BYTES);
    if (file === undefined) return {};
    return await parseLock(file.content.toString('utf8'));
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    if (error.code === 'user-writable') return { problem: problemOf(error) };
    return broken(error.message);
  }
}

/** Parses the text of a lock file. Errors are reported as the problem of the file in a root. */
export async function parseLock(text: string): Promise<FoundLock> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return broken('expected JSON, found something else');
  }
  // Most roots have no lock, so the schema is loaded only when there is one.
  const { checkLock } = await import('./lock-schema.ts');
  const checked = checkLock(document);
  if (typeof checked === 'string') return broken(checked);
  const lock = new Map<string, LockedImage>();
  for (const { name, digest, platforms } of checked.images) {
    if (!isFullName(name)) return broken(`expected full image names, found ${quoted(name)}`);
    if (lock.has(name)) return broken(`expected each name once, found ${name} again`);
    if (name.includes('@') && !name.endsWith(`@${digest}`)) {
      return broken(`expected ${name} to be what its digest says, found ${digest}`);
    }
    const odd = Object.keys(platforms).find((text) => parsePlatform(text) === undefined);
    if (odd !== undefined) return broken(`expected OS/ARCHITECTURE, found ${quoted(odd)}`);
    lock.set(name, { digest, platforms: new Map(Object.entries(platforms)) });
  }
  return { lock, text };
}

function isFullName(text: string): boolean {
  const result = fullName(text, { searchRegistries: [], aliases: {} });
  return result.ok && result.name === text;
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}

/** The text of a lock file. The same images give the same text, with one line for each image. */
export function lockText(lock: Lock): string {
  const lines = [...lock].sort(byKey).map(
    ([name, { digest, platforms }]) =>
      `    ${JSON.stringify({
        name,
        digest,
        platforms: Object.fromEntries([...platforms].sort(byKey)),
      })}`,
  );
  const images = lines.length === 0 ? '[]' : `[\n${lines.join(',\n')}\n  ]`;
  return `{\n  "apiVersion": "berth/v1",\n  "kind": "Lock",\n  "images": ${images}\n}\n`;
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function broken(message: string): FoundLock {
  const problem: Problem<BindingProblemCode> = {
    code: 'lock-file',
    path: LOCK_PATH,
    message,
    hint: 'write it anew with `berth lock`, or take it out of the root',
  };
  return { problem };
}
