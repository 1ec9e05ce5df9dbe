import { execFile } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { BerthError, systemErrorCode } from '../common/errors.ts';
import { openRoot } from '../root/open-root.ts';
import { type Root, RootError } from '../root/root.ts';
import type { Deployment } from './deployment.ts';
import { cantTell, unreadableRoot } from './failure.ts';
import { openTree } from './open-tree.ts';

/** `[directories]` of the host's berth.toml: roots that neither bootc nor ostree manages. */
export interface DirectoriesConfig {
  readonly roots: readonly { readonly path: string; readonly id: string }[];
  /** How to find the active root: a file or a command that gives its id or path. */
  readonly active: ActiveSource;
}

export type ActiveSource =
  | { readonly file: string }
  /** A command, run without a shell. The first line of the output counts. */
  | { readonly command: readonly string[] };

/**
 * The roots in directories: A/B slots, or trees that a tool copies. The active root is the booted one.
 * A root whose directory is missing has gone.
 *
 * @throws {BerthError} `deployments` if it is unknown which root is active.
 */
export async function readDirectories({
  roots,
  active,
}: DirectoriesConfig): Promise<readonly Deployment[]> {
  const name = await activeName(active);
  const named = realPath(name);
  const isActive = ({ id, path }: { id: string; path: string }) =>
    name === id || (named !== undefined && named === realPath(path));
  if (!roots.some(isActive)) {
    const known = roots.map(({ id }) => id).join(', ');
    throw cantTell(
      'directories',
      `expected ${sourceOf(active)} to name one of ${known}, found ${JSON.stringify(name)}`,
      'see that it names the running root by id or path, or correct [directories] in berth.toml',
    );
  }
  return roots
    .filter(({ path }) => isThere(path))
    .map((root) => {
      const location = realPath(root.path) ?? root.path;
      const version = versionOf(location);
      return {
        id: root.id,
        updater: 'directories',
        role: isActive(root) ? 'booted' : 'other',
        pinned: false,
        location,
        ...(version === undefined ? {} : { version }),
        open: async () => openSlot(root.id, location),
      };
    });
}

/**
 * Opens the tree in a slot. A slot that is not mounted is an empty directory, which would look like a
 * root without images, so the tree must have a `usr`.
 */
function openSlot(id: string, location: string): Root {
  const root = openTree(id, location);
  if (root.lookup('/usr')?.kind === 'directory') return root;
  root.close();
  throw unreadableRoot(
    id,
    `expected ${location} to hold the tree of an OS, found no usr in it`,
    'mount it, or take it out of berth.toml',
  );
}

/**
 * Whether the directory of a root exists. A path that can't be looked at is an error, because a root
 * may well be there.
 */
function isThere(path: string): boolean {
  try {
    realpathSync(path);
    return true;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    // If the parent is missing or is an unmounted mount point, the absence of the path means nothing.
    if (code === 'ENOENT' && realPath(dirname(path)) !== undefined) return false;
    throw cantTell(
      'directories',
      `can't look at ${path}: ${code}`,
      'mount it, or take it out of berth.toml',
      error,
    );
  }
}

/** The version of the tree in os-release. A slot gets new versions under the same path. */
function versionOf(location: string): string | undefined {
  try {
    const root = openRoot(location);
    try {
      const text = root.readFile('/usr/lib/os-release')?.content.toString('utf8') ?? '';
      const found = [
        /^IMAGE_VERSION=["']?([^"'\n]+)/m,
        /^BUILD_ID=["']?([^"'\n]+)/m,
        /^VERSION_ID=["']?([^"'\n]+)/m,
      ].flatMap((of) => of.exec(text)?.[1] ?? []);
      return found.length === 0 ? undefined : found.join(' ');
    } finally {
      root.close();
    }
  } catch (error) {
    if (error instanceof RootError) return undefined;
    throw error;
  }
}

async function activeName(active: ActiveSource): Promise<string> {
  const text = 'file' in active ? readName(active.file) : await run(active.command);
  return text.split('\n', 1)[0]?.trim() ?? '';
}

function readName(path: string): string {
  try {
    const root = openRoot(dirname(path));
    try {
      const file = root.readFile(`/${basename(path)}`, MAX_OUTPUT);
      if (file !== undefined) return file.content.toString('utf8');
    } finally {
      root.close();
    }
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
    throw cantTell('directories', error.message, error.hint, error);
  }
  throw cantTell(
    'directories',
    `expected ${path} to name the active root, found no such file`,
    'see why nothing writes it, or correct [directories] in berth.toml',
  );
}

const MAX_OUTPUT = 64 * 1024;
/** In milliseconds. */
const TIMEOUT = 30_000;

function run(command: readonly string[]): Promise<string> {
  const [program = '', ...words] = command;
  return new Promise((resolve, reject) => {
    const options = { timeout: TIMEOUT, maxBuffer: MAX_OUTPUT, killSignal: 'SIGKILL' } as const;
    execFile(program, words, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else {
        const said = stderr.trim().split('\n').at(-1) ?? '';
        const reason =
          error.killed === true ? `no answer in ${TIMEOUT / 1000} s` : said || error.message;
        reject(
          cantTell(
            'directories',
            `${program} failed: ${reason}`,
            'correct [directories] in berth.toml',
            error,
          ),
        );
      }
    });
  });
}

function sourceOf(active: ActiveSource): string {
  return 'file' in active ? active.file : (active.command[0] ?? '');
}

function realPath(path: string): string | undefined {
  try {
    return path.startsWith('/') ? realpathSync(path) : undefined;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}
