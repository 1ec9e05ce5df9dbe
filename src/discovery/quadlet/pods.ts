import { posix } from 'node:path';
import { scalar } from '../../systemd/lookup.ts';
import type { QuadletUnit } from './unit.ts';

/** The file name of the `.pod` unit in which a container runs; undefined if there is none. */
export function podOf(unit: QuadletUnit): string | undefined {
  return unit.type === 'container' ? scalar(unit.entries, 'Container', 'Pod')?.value : undefined;
}

/** The real paths of the containers in a pod; none if `realPath` is not the file of a pod. */
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
