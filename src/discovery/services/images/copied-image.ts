import type { ShortNames } from '../../../image/short-names.ts';
import { type ArchiveValue, archiveOf, imageOf } from '../../image-value.ts';
import type { Fault } from '../../problem.ts';
import type { Word } from '../words.ts';

/** The image that `skopeo copy` brings into an engine, perhaps from an archive, or why it is not known. */
export type CopiedImage =
  | { readonly ok: true; readonly word: Word; readonly archived?: ArchiveValue }
  | { readonly ok: false; readonly fault: Fault };

/** The transports of the engines that skopeo can fill. */
export const engineTransports = {
  podman: 'containers-storage:',
  docker: 'docker-daemon:',
} as const;

/**
 * The image of `skopeo copy docker://IMAGE containers-storage:IMAGE`. Under another name in the engine
 * the copy would not be found by the name that is fetched. An image from an archive may have any name there.
 */
export function copiedImage(
  source: Word | undefined,
  target: Word | undefined,
  shortNames: ShortNames,
): CopiedImage {
  const fault = source?.fault ?? target?.fault;
  if (fault !== undefined) return { ok: false, fault };
  const prefix = Object.values(engineTransports).find((one) => target?.text.startsWith(one));
  if (source === undefined || target === undefined || prefix === undefined) {
    return { ok: false, fault: notAnEngine };
  }
  const name = target.text.slice(prefix.length);
  const archive = source.isPrivate === true ? undefined : archiveOf(source.text, 'into-engine');
  if (archive !== undefined) {
    if (!archive.ok) return archive;
    const stored = imageOf(name, shortNames);
    if (!stored.ok) return stored;
    const archived = { ok: true, archived: { ...archive.archived, as: stored.image } } as const;
    return { ok: true, word: source, archived };
  }
  if (!source.text.startsWith('docker://')) return { ok: false, fault: noRegistry };
  const text = source.text.slice('docker://'.length);
  const [fetched, stored] = [imageOf(text, shortNames), imageOf(name, shortNames)];
  if (fetched.ok && stored.ok && fetched.image !== stored.image) {
    return { ok: false, fault: renamed };
  }
  return { ok: true, word: { ...source, text } };
}

const hint = 'name the image in a Quadlet unit, or in a list of /usr/lib/berth/images.d';

const notAnEngine: Fault = {
  code: 'command-line',
  message: 'expected a copy into containers-storage: or docker-daemon:, found another destination',
  hint,
};

const noRegistry: Fault = {
  code: 'transport',
  message: 'expected a copy from a registry (docker://), found another source',
  hint,
};

const renamed: Fault = {
  code: 'command-line',
  message: 'expected a copy under the same name, found another name at its destination',
  hint,
};
