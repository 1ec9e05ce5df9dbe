import type { InferOutput } from 'valibot';
import type { EngineId } from '../../../common/engine-id.ts';
import { type Hold, PIN_ENTRYPOINT, readHold } from '../../pins/holds.ts';
import { IMAGE_LABEL, isKeptBy, SCHEMA_LABEL, SEAL_LABEL } from '../../pins/labels.ts';
import type { SealCheck, Seals } from '../../pins/seals.ts';
import type { Stranger } from '../../pins/strangers.ts';
import type { DockerApi } from '../api/api.ts';
import type { Daemon } from '../api/daemon.ts';
import { listedContainer } from '../api/replies.ts';

type Container = InferOutput<typeof listedContainer>;

/** The tools with which pins are found and made. */
export interface Moorings extends Daemon {
  readonly seals: Seals;
  /** The engine to which the pins belong. */
  readonly engine: EngineId;
  /** Called for each container that claims to be berth's but is no pin, each time that it is seen. */
  readonly onStranger: (stranger: Stranger) => void;
}

/**
 * Every pin's container, from one call, oldest first, so that all processes that clear duplicates keep the same
 * container.
 */
export async function listHolds(moorings: Moorings): Promise<readonly Hold[]> {
  const { api, ids, onStranger } = moorings;
  const seals = moorings.seals.forList();
  const holds: Hold[] = [];
  for (const container of (await listContainers(api, [SCHEMA_LABEL])).toSorted(byAge)) {
    if (!isKeptBy('own', container.Labels ?? {}) || isGoing(container)) continue;
    const read = holdOf(container, ids, seals);
    if (typeof read === 'object') holds.push(read);
    else onStranger({ container: container.Id, name: nameOf(container), reason: read });
  }
  return holds;
}

/** The containers with these labels, whether they run or not. */
export async function listContainers(
  api: DockerApi,
  labels: readonly string[] = [],
): Promise<readonly Container[]> {
  const filters = labels.length === 0 ? {} : { filters: JSON.stringify({ label: labels }) };
  const query = { all: '1', ...filters };
  return api.list(listedContainer, { method: 'GET', path: '/containers/json', query });
}

/**
 * Removes a container that does not run, with the volumes that have no name; a container that is already
 * gone is no error.
 */
export async function removeContainer(api: DockerApi, container: string): Promise<void> {
  const path = `/containers/${container}`;
  // 409: another process removes it just now.
  await api.status({ method: 'DELETE', path, query: { v: '1' } }, 204, 404, 409);
}

/**
 * Reads a pin from docker's list. A pin has the right labels and a pin's name, is made as `createPin` makes it,
 * and never ran.
 *
 * @returns the reason as text if the container is no pin.
 */
function holdOf(container: Container, ids: Moorings['ids'], seals: SealCheck): Hold | string {
  const { Id, ImageID, Labels, Command, HostConfig, State } = container;
  const name = nameOf(container);
  const labels = Labels ?? {};
  const isSealed = seals.isRight(name, labels, labels[SEAL_LABEL]);
  // If the image is gone, only the sealed label tells the id.
  const imageId = ids.find(ImageID)?.config ?? (isSealed ? (labels[IMAGE_LABEL] ?? '') : ImageID);
  const hold = readHold({ container: Id, name, labels, imageId }, seals);
  if (typeof hold === 'string') return hold;
  if (Command !== PIN_ENTRYPOINT || HostConfig?.NetworkMode !== 'none')
    return 'its entrypoint or network is not what berth sets';
  return State === 'created' ? hold : 'it was started, and a pin never is';
}

/** Whether somebody removes the container just now. */
function isGoing({ State }: Container): boolean {
  return State === 'removing' || State === 'dead';
}

/** docker's names begin with a slash; a container with links from others has several. */
function nameOf({ Names }: Container): string {
  const [name = '', ...others] = Names ?? [];
  return others.length === 0 ? name.replace(/^\//, '') : '';
}

function byAge(a: Container, b: Container): number {
  return a.Created - b.Created || (a.Id < b.Id ? -1 : 1);
}
