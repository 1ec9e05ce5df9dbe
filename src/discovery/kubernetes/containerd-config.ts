import { posix } from 'node:path';
import { append } from '../../common/append.ts';
import { problemOf } from '../../root/problem-of.ts';
import { RootError } from '../../root/root.ts';
import { whereInTree } from '../../systemd/etc.ts';
import { globbed } from '../../systemd/glob.ts';
import type { Problem } from '../problem.ts';
import type { SourceContext } from '../source.ts';
import {
  type ConfigFile,
  type ConfiguredImage,
  flagPath,
  imageAt,
  malformed,
  maxFiles,
  readConfig,
  tableAt,
} from './engine-config.ts';
import type { FlagsOf } from './program-flag.ts';

const unit = 'containerd.service';

/** The key of the sandbox image in each version of the configuration. */
const places = [
  { version: 3, plugin: 'io.containerd.cri.v1.images', keys: ['pinned_images', 'sandbox'] },
  { version: 2, plugin: 'io.containerd.grpc.v1.cri', keys: ['sandbox_image'] },
  { version: 1, plugin: 'cri', keys: ['sandbox_image'] },
] as const;

/**
 * The sandbox image in the configuration of containerd, which `--config` may name; the last file that sets
 * the key counts. None if the CRI plugin is disabled, as in docker's package of containerd.
 *
 * Source: containerd, docs/man/containerd-config.toml.5.md and docs/cri/config.md.
 */
export async function containerdImages(
  context: SourceContext,
  flagsOf: FlagsOf,
  problems: Problem[],
): Promise<readonly ConfiguredImage[]> {
  const flags = flagsOf(unit);
  const given = flags?.last('--config') ?? flags?.last('-c');
  const main = flagPath(given, unit, context, problems) ?? `${context.etc}/containerd/config.toml`;
  let image: ConfiguredImage | undefined;
  for (const file of await filesOf(main, context, problems)) {
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
async function filesOf(
  main: string,
  context: SourceContext,
  problems: Problem[],
): Promise<ConfigFile[]> {
  const files: ConfigFile[] = [];
  const pending = [main];
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

/**
 * The files that an entry of `imports` names: a path, or a glob.
 *
 * Source: containerd, cmd/containerd/server/config/config.go, `resolveImports`.
 */
function matches(
  file: ConfigFile,
  pattern: string,
  { root, etc }: SourceContext,
  problems: Problem[],
): readonly string[] {
  const path = whereInTree(etc, posix.resolve(posix.dirname(file.path), pattern));
  if (!/[*?[\\]/.test(path)) return [path];
  try {
    const found = globbed(root, path, 'hidden');
    if (found !== undefined) return found.slice(0, maxFiles + 1);
    problems.push(malformed(file.path, unit, undefined, 'expected an import of a few files'));
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    problems.push({ ...problemOf(error), subject: { unitPath: file.path, unit } });
  }
  return [];
}
