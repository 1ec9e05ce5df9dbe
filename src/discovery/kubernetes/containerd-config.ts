import { posix } from 'node:path';
import { append } from '../../common/append.ts';
import { whereInTree } from '../../systemd/etc.ts';
import type { Problem } from '../problem.ts';
import type { SourceContext } from '../source.ts';
import {
  type ConfigFile,
  type ConfiguredImage,
  fileNames,
  imageAt,
  malformed,
  maxFiles,
  readConfig,
  tableAt,
} from './engine-config.ts';

const unit = 'containerd.service';

/** The key of the sandbox image in each version of the configuration. */
const places = [
  { version: 3, plugin: 'io.containerd.cri.v1.images', keys: ['pinned_images', 'sandbox'] },
  { version: 2, plugin: 'io.containerd.grpc.v1.cri', keys: ['sandbox_image'] },
  { version: 1, plugin: 'cri', keys: ['sandbox_image'] },
] as const;

/**
 * The sandbox image in the configuration of containerd; the last file that sets the key counts.
 * None if the CRI plugin is disabled, as in docker's package of containerd.
 *
 * Source: containerd, docs/man/containerd-config.toml.5.md and docs/cri/config.md.
 */
export async function containerdImages(
  context: SourceContext,
  problems: Problem[],
): Promise<readonly ConfiguredImage[]> {
  let image: ConfiguredImage | undefined;
  for (const file of await filesOf(context, problems)) {
    const disabled: unknown = file.table['disabled_plugins'];
    if (Array.isArray(disabled) && places.some(({ plugin }) => disabled.includes(plugin)))
      return [];
    image = sandboxIn(file, problems) ?? image;
  }
  return image === undefined ? [] : [image];
}

function sandboxIn(file: ConfigFile, problems: Problem[]): ConfiguredImage | undefined {
  // A file without a version is of version 1, or is imported into a file with a version.
  const written = file.table['version'];
  for (const { version, plugin, keys } of places) {
    if (typeof written === 'number' && version !== Math.min(written, 3)) continue;
    const table = tableAt(file.table, ['plugins', plugin, ...keys.slice(0, -1)]);
    const last = keys[keys.length - 1] ?? '';
    const value = table !== undefined && Object.hasOwn(table, last) ? table[last] : undefined;
    const name = plugin === 'cri' ? plugin : `"${plugin}"`;
    const image = imageAt(file, `plugins.${name}.${keys.join('.')}`, value, unit, problems);
    if (image !== undefined) return image;
  }
  return undefined;
}

/** The main configuration and the files that it imports, in the order in which they are merged. */
async function filesOf(context: SourceContext, problems: Problem[]): Promise<ConfigFile[]> {
  const files: ConfigFile[] = [];
  const pending = [`${context.etc}/containerd/config.toml`];
  const seen = new Set<string>();
  for (const path of pending) {
    if (seen.has(path)) continue;
    seen.add(path);
    if (seen.size > maxFiles) {
      const message = `expected at most ${maxFiles} files, found more; the last ones are ignored`;
      problems.push(malformed(path, unit, undefined, message));
      break;
    }
    const file = await readConfig(path, unit, context, problems);
    if (file === undefined) continue;
    files.push(file);
    const imports: unknown = file.table['imports'];
    if (!Array.isArray(imports)) continue;
    for (const pattern of imports.slice(0, maxFiles)) {
      if (typeof pattern === 'string') append(pending, matches(file, pattern, context, problems));
    }
  }
  return files;
}

/** The files that an entry of `imports` names: a path, or a glob in the last component. */
function matches(
  file: ConfigFile,
  pattern: string,
  context: SourceContext,
  problems: Problem[],
): readonly string[] {
  const path = whereInTree(context.etc, posix.resolve(posix.dirname(file.path), pattern));
  if (!/[*?[\\]/.test(path)) return [path];
  const directory = posix.dirname(path);
  const glob = posix.basename(path);
  if (/[*?[\\]/.test(directory) || /[[\\]/.test(glob) || glob.length > 255) {
    const message = 'expected an import with * or ? in its last part alone, found another glob';
    problems.push({
      ...malformed(file.path, unit, undefined, message),
      hint: 'write it like that; the files that it imports are not known',
    });
    return [];
  }
  return fileNames(directory, unit, context, problems)
    .filter((name) => globMatches(glob, name))
    .slice(0, maxFiles + 1)
    .map((name) => posix.join(directory, name));
}

/** Matches `*` and `?`, in at most `glob.length × name.length` steps. */
function globMatches(glob: string, name: string): boolean {
  let g = 0;
  let n = 0;
  let star = -1;
  let mark = 0;
  while (n < name.length) {
    if (glob[g] === '*') {
      star = g++;
      mark = n;
    } else if (glob[g] === '?' || glob[g] === name[n]) {
      g++;
      n++;
    } else if (star >= 0) {
      g = star + 1;
      n = ++mark;
    } else return false;
  }
  while (glob[g] === '*') g++;
  return g === glob.length;
}
