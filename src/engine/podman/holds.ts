import type { InferOutput } from 'valibot';
import type { PodmanApi } from './api.ts';
import { type Labelled, ROOT_LABEL, readPinLabels, SCHEMA_LABEL } from './labels.ts';
import { isPinName } from './pin-name.ts';
import { containerList, podList } from './replies.ts';

type Container = InferOutput<typeof containerList>[number];
type Pod = InferOutput<typeof podList>[number];

/** The container of a pin. */
export interface Hold extends Labelled {
  readonly container: string;
}

/** A pin's container that podman's database lost: it holds its image against some prunes only. */
export interface Leftover {
  readonly container: string;
  readonly name: string;
  readonly id: string;
}

export interface Holds {
  /** The oldest first, so that everybody who clears doubles keeps the same one. */
  readonly holds: readonly Hold[];
  readonly leftovers: readonly Leftover[];
}

/** Every container of berth, in one call. */
export async function listHolds(api: PodmanApi): Promise<Holds> {
  const filters = JSON.stringify({ label: [SCHEMA_LABEL] });
  // With `external` come all containers that the database does not know, whatever the filter.
  const query = { all: 'true', external: 'true', filters };
  const path = '/containers/json';
  const containers = await api.json(containerList, { method: 'GET', path, query });
  return {
    holds: containers
      .toSorted(byAge)
      .map(readHold)
      .filter((hold) => hold !== undefined),
    leftovers: leftoversOf(containers),
  };
}

/** Every container there is, so also those of users and of other programs. */
export async function listContainers(api: PodmanApi): Promise<readonly Container[]> {
  const query = { all: 'true', external: 'true' };
  return api.json(containerList, { method: 'GET', path: '/containers/json', query });
}

export function leftoversOf(containers: readonly Container[]): readonly Leftover[] {
  return containers.flatMap((container) => {
    const [name = ''] = container.Names ?? [];
    if (!isExternal(container) || !isPinName(name)) return [];
    return [{ container: container.Id, name, id: `sha256:${container.ImageID}` }];
  });
}

/** The pods of berth by root, the oldest first. */
export async function listPods(api: PodmanApi, root: string): Promise<readonly Pod[]> {
  const filters = JSON.stringify({ label: [SCHEMA_LABEL] });
  const pods = await api.json(podList, { method: 'GET', path: '/pods/json', query: { filters } });
  return pods.filter((pod) => pod.Labels?.[ROOT_LABEL] === root).toSorted(byAge);
}

/** Removes a container that nobody runs; one that is gone already is none to worry about. */
export async function removeContainer(api: PodmanApi, container: string): Promise<void> {
  await api.status({ method: 'DELETE', path: `/containers/${container}` }, 200, 204, 404);
}

/** What stands in podman's list for a container that only the storage knows. */
function isExternal(container: Container): boolean {
  return container.State === 'storage';
}

function readHold(container: Container): Hold | undefined {
  if (isExternal(container)) return undefined;
  const pin = readPinLabels(container.Labels ?? {}, `sha256:${container.ImageID}`);
  return pin === undefined ? undefined : { ...pin, container: container.Id };
}

function byAge(a: { Created: string; Id: string }, b: { Created: string; Id: string }): number {
  const [left, right] = [a, b].map(({ Created, Id }) => `${Created} ${Id}`);
  return (left ?? '') < (right ?? '') ? -1 : 1;
}
