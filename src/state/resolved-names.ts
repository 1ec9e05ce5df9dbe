import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { API_VERSION, version } from '../common/version.ts';
import { ResolvedNames } from '../registry/manifests/resolved-names.ts';
import { ImageId, ImageName } from './record.ts';
import { readNote, writeStateFile } from './state-file.ts';

/** The file `names.json`: what names meant when registries were last asked. */
const NamesFile = v.object({
  apiVersion: v.literal(API_VERSION),
  kind: v.literal('ResolvedNames'),
  /** Another berth may choose otherwise among the images of an index. */
  version: v.literal(version),
  images: v.array(
    v.object({
      name: ImageName,
      digest: ImageId,
      manifest: ImageId,
      config: ImageId,
      platform: v.string(),
      blobs: v.array(
        v.object({
          mediaType: v.string(),
          digest: ImageId,
          size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
        }),
      ),
    }),
  ),
});

/** A missing or damaged file, or one of another berth, remembers nothing. */
export function readResolvedNames(stateDirectory: string): ResolvedNames {
  return new ResolvedNames(readNote(pathIn(stateDirectory), NamesFile)?.images ?? []);
}

/**
 * Writes the names, if there are other ones than were read, and if a command that changes something has made the
 * directory.
 */
export function writeResolvedNames(stateDirectory: string, names: ResolvedNames): void {
  if (!names.isChanged || !existsSync(join(stateDirectory, 'lock'))) return;
  const { images } = names;
  const file = { apiVersion: API_VERSION, kind: 'ResolvedNames', version, images };
  writeStateFile(pathIn(stateDirectory), `${JSON.stringify(file)}\n`);
}

function pathIn(stateDirectory: string): string {
  return join(stateDirectory, 'names.json');
}
