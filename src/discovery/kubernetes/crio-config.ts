import { CRIO_DROP_IN } from '../../image/crio-drop-in.ts';
import type { Problem } from '../problem.ts';
import type { SourceContext } from '../source.ts';
import {
  type ConfigFile,
  type ConfiguredImage,
  fileNames,
  flagPath,
  imageAt,
  lineOfText,
  malformed,
  maxFiles,
  readConfig,
  tableAt,
} from './engine-config.ts';
import type { FlagsOf } from './program-flag.ts';

const unit = 'crio.service';

export const pauseKey = 'crio.image.pause_image';

/**
 * The images in the configuration of CRI-O: `pause_image`, and the exact names in `pinned_images`. For each
 * key the last file that sets it counts, and `--pause-image` goes before them. Entries with `*` are skipped:
 * they say which images to keep, not which to fetch. berth's own drop-in is passed over: it pins what roots
 * need, and repeats the entries of the other files.
 *
 * Source: crio(8), crio.conf(5), crio.conf.d(5).
 */
export async function crioImages(
  context: SourceContext,
  flagsOf: FlagsOf,
  problems: Problem[],
): Promise<readonly ConfiguredImage[]> {
  const flags = flagsOf(unit);
  const at = (long: string, short: string) =>
    flagPath(flags?.last(long) ?? flags?.last(short), unit, context, problems);
  const main = at('--config', '-c') ?? `${context.etc}/crio/crio.conf`;
  const directory = at('--config-dir', '-d') ?? `${context.etc}/crio/crio.conf.d`;
  const names = fileNames(directory, unit, context, problems);
  if (names.length > maxFiles) {
    const message = `expected at most ${maxFiles} files, found more; the last ones are ignored`;
    problems.push(malformed(directory, unit, undefined, message));
  }
  const dropIns = names
    .slice(0, maxFiles)
    .filter((name) => name !== CRIO_DROP_IN)
    .map((name) => `${directory}/${name}`);
  let pause: ConfiguredImage | undefined;
  let pinned: () => readonly ConfiguredImage[] = () => [];
  for (const path of [main, ...dropIns]) {
    const file = await readConfig(path, unit, context, problems);
    const image = file && tableAt(file.table, ['crio', 'image']);
    if (file === undefined || image === undefined) continue;
    if (image['pause_image'] !== undefined) {
      pause = imageAt(file, pauseKey, image['pause_image'], unit, problems);
    }
    if (image['pinned_images'] !== undefined) {
      const names = pinnedNames(file, image['pinned_images'], problems);
      pinned = () => names.map((name) => pinnedImage(file, name));
    }
  }
  return [...(pause === undefined ? [] : [pause]), ...pinned()];
}

const pinnedKey = 'crio.image.pinned_images';

function pinnedNames(file: ConfigFile, value: unknown, problems: Problem[]): readonly string[] {
  const names: readonly unknown[] = Array.isArray(value) ? value : [undefined];
  if (names.length > maxPinned || !names.every((name) => typeof name === 'string')) {
    const line = lineOfText(file.text, 'pinned_images');
    const message = `expected at most ${maxPinned} names of images at ${pinnedKey}, found something else`;
    problems.push(malformed(file.path, unit, line, message));
    return [];
  }
  return names.filter((name) => name !== '' && !name.includes('*'));
}

function pinnedImage({ path, text }: ConfigFile, raw: string): ConfiguredImage {
  // Search for the name with its quotes: without them, a longer name could match.
  const quoted = [`"${raw}"`, `'${raw}'`].find((word) => text.includes(word)) ?? raw;
  return { raw, path, line: lineOfText(text, quoted), key: pinnedKey, unit };
}

/** The most entries that are read, since the text is searched for each of them. */
const maxPinned = 200;
