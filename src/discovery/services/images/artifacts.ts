import type { ImageValue } from '../../image-value.ts';
import type { Reference } from '../../reference.ts';
import type { CommandPull } from '../command-pull.ts';
import type { ContainerCommand } from '../read-command.ts';
import { isForInstances, type ServicePlace } from '../service-place.ts';
import type { Word } from '../words.ts';
import { artifactOf, privateArtifactOf } from './artifact-name.ts';
import { commandReference } from './command-reference.ts';
import { mountedSources } from './mounted-image.ts';

/** The OCI artifacts that a command names: the first word of `pull` and `extract`, and mounts. */
export function commandArtifacts(
  { kind, options, rest }: ContainerCommand,
  pull: CommandPull,
  place: ServicePlace,
): readonly Reference[] {
  const named = kind === 'artifact' || kind === 'extract' ? rest.slice(0, 1) : [];
  return [
    ...named.map((word) => ({ word, pull })),
    ...mountedSources(options, 'artifact').map((word) => ({ word, pull: neverPulled })),
  ]
    .filter(({ word }) => word.fault === undefined || !isForInstances(place, word.raw))
    .map(({ word, pull: own }) => ({
      ...commandReference({ ...place.entry, raw: word.raw }, artifactIn(word), own, place),
      artifact: true,
    }));
}

/** `podman run` never pulls the artifacts that it mounts. */
const neverPulled: CommandPull = { options: { policy: 'missing' }, faults: [] };

function artifactIn({ text, isPrivate, fault }: Word): ImageValue {
  if (fault !== undefined) return { ok: false, fault };
  return isPrivate ? privateArtifactOf(text) : artifactOf(text);
}
