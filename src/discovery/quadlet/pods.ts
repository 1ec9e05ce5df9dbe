import { posix } from 'node:path';
import { scalar } from '../../systemd/lookup.ts';
import type { QuadletUnit } from './unit.ts';

/** The `.pod` unit that a container runs in, by its file name. */
export function podOf(unit: QuadletUnit): string | undefined {
  return unit.type === 'container' ? scalar(unit.entries, 'Container', 'Pod')?.value : undefined;
}

/** The files of the containers that run in a pod; none for another file. */
export function podMembers(
  units: ReadonlyMap<string, QuadletUnit>,
  realPath: string,
): readonly string[] {
  const pod = units.get(posix.basename(realPath));
  if (pod?.type !== 'pod' || pod.realPath !== realPath) return [];
  return [...units.values()]
    .filter((unit) => podOf(unit) === pod.name)
    .map((unit) => unit.realPath);
}
