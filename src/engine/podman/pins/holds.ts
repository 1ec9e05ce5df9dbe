import type { InferOutput } from 'valibot';
import type { EngineId } from '../../../common/engine-id.ts';
import { type Hold, PIN_ENTRYPOINT, readHold } from '../../pins/holds.ts';
import {
  IMAGE_LABEL,
  isKeptBy,
  type Keeper,
  ROOT_LABEL,
  SCHEMA,
  SCHEMA_LABEL,
  SEAL_LABEL,
} from '../../pins/labels.ts';
import { isPinName } from '../../pins/pin-name.ts';
import type { SealCheck, Seals } from '../../pins/seals.ts';
import type { Stranger } from '../../pins/strangers.ts';
import { type PodmanApi, parse } from '../api/api.ts';
import { refused } from '../api/failure.ts';
import { listedContainer, pinReply, podList } from '../api/replies.ts';
import { isPodName, isPodOf } from './pod-of-pins.ts';

type Container = InferOutput<typeof listedContainer>;
type Pod = InferOutput<typeof podList>[number];

/** The tools with which pins are found and made. */
export interface Moorings {
  readonly api: PodmanApi;
  readonly seals: Seals;
  /** The engine to which the pins belong. */
  readonly engine: EngineId;
  readonly keeper: Keeper;
  /** Called for each container that claims to be berth's but is no pin, each time that it is seen. */
  readonly onStranger: (stranger: Stranger) => void;
}

/** A pin's container that podman's database has lost: it protects its image only from some kinds of prune. */
export interface Leftover {
  readonly container: string;
  readonly name: string;
  readonly id: string;
}

/**
 * A container that berth made as a pin, as its seal proves, and that holds another image than it was made for:
 * podman makes the container of a manifest list from an image of the list.
 */
export interface Astray {
  readonly container: string;
  /** The engine's id of the image that was to be pinned. */
  readonly id: string;
}

export interface Holds {
  /** Oldest first, so that all processes that clear duplicates keep the same one. */
  readonly holds: readonly Hold[];
  readonly leftovers: readonly Leftover[];
  readonly astray: readonly Astray[];
}

/** Every container with berth's labels and this keeper, in one call. */
export async function listHolds(moorings: Moorings): Promise<Holds> {
  const { api, keeper, onStranger } = moorings;
  const filters = JSON.stringify({ label: [SCHEMA_LABEL] });
  // With `external`, podman also lists all containers that its database does not know, whatever the filter.
  const query = { all: 'true', external: 'true', filters };
  const path = '/containers/json';
  const containers = await api.list(listedContainer, { method: 'GET', path, query });
  const holds: Hold[] = [];
  const astray: Astray[] = [];
  const seals = moorings.seals.forList();
  for (const container of containers.toSorted(byAge)) {
    if (isExternal(container) || !isKeptBy(keeper, container.Labels ?? {})) continue;
    const read = holdOf(container, seals);
    const strays = typeof read === 'object' ? undefined : astrayOf(container, seals);
    if (typeof read === 'object') holds.push(read);
    else if (strays !== undefined) astray.push(strays);
    else onStranger({ container: container.Id, name: nameOf(container), reason: read });
  }
  return { holds, leftovers: leftoversOf(containers), astray };
}

/** Every container, also those of users and other programs. */
export async function listContainers(api: PodmanApi): Promise<readonly Container[]> {
  const query = { all: 'true', external: 'true' };
  return api.list(listedContainer, { method: 'GET', path: '/containers/json', query });
}

export function leftoversOf(containers: readonly Container[]): readonly Leftover[] {
  return containers.flatMap((container) => {
    const name = nameOf(container);
    if (!isExternal(container) || !isPinName(name)) return [];
    return [{ container: container.Id, name, id: `sha256:${container.ImageID}` }];
  });
}

/** The pods that this keeper made for the pins of a root, or of any root, oldest first. */
export async function listPods(
  { api, keeper }: Pick<Moorings, 'api' | 'keeper'>,
  root?: string,
): Promise<readonly Pod[]> {
  const pods = await everyPod(api);
  const isOwn = (pod: Pod) => isPinPod(pod, root ?? pod.Labels?.[ROOT_LABEL] ?? '', keeper);
  return pods.filter(isOwn).toSorted(byAge);
}

/**
 * The holds with a valid seal, and those that look, as far as podman tells, as `createPin` makes them, in
 * pods made by `podOf`. Only holds without a seal are inspected, since each takes a request.
 */
export async function genuineHolds<T extends Pick<Hold, 'root' | 'container' | 'sealed'>>(
  moorings: Moorings,
  holds: readonly T[],
): Promise<readonly T[]> {
  const isToInspect = holds.some(({ sealed }) => !sealed);
  const pods = isToInspect ? await everyPod(moorings.api) : [];
  const genuine: T[] = [];
  for (const hold of holds) {
    if (hold.sealed || (await isShaped(moorings, hold, pods))) genuine.push(hold);
  }
  return genuine;
}

async function isShaped(
  { api, keeper, onStranger }: Moorings,
  { root, container }: Pick<Hold, 'root' | 'container'>,
  pods: readonly Pod[],
): Promise<boolean> {
  const inspected = await inspect(api, container);
  if (inspected === undefined) return false;
  const { Path, Config, HostConfig, Pod, Name } = inspected;
  const isOwn =
    Path === PIN_ENTRYPOINT &&
    (Config.Cmd ?? []).length === 0 &&
    HostConfig.NetworkMode === 'none' &&
    pods.some((pod) => pod.Id === Pod && isPinPod(pod, root, keeper));
  if (!isOwn)
    onStranger({
      container,
      name: Name,
      reason: 'its entrypoint, network or pod is not what berth sets',
    });
  return isOwn;
}

/** Removes a container that does not run; a container that is already gone is no error. */
export async function removeContainer(api: PodmanApi, container: string): Promise<void> {
  await api.status({ method: 'DELETE', path: `/containers/${container}` }, 200, 204, 404);
}

/** Whether only podman's storage knows the container; podman's list marks this by a state of its own. */
function isExternal(container: Container): boolean {
  return container.State === 'storage';
}

/**
 * Reads a pin from podman's list. A pin has the right labels, a pin's name, a pod with a pin pod's name,
 * and was never started.
 *
 * @returns the reason as text if the container is no pin.
 */
function holdOf(container: Container, seals: SealCheck): Hold | string {
  const hold = readHold(
    {
      container: container.Id,
      name: nameOf(container),
      labels: container.Labels ?? {},
      imageId: `sha256:${container.ImageID}`,
    },
    seals,
  );
  if (typeof hold === 'string') return hold;
  if (!isPodName(container.PodName ?? '', hold.root))
    return `it is not in a pod that berth made for ${hold.root}`;
  return (container.StartedAt ?? 0) > 0 ? 'it was started, and a pin never is' : hold;
}

function astrayOf(container: Container, seals: SealCheck): Astray | undefined {
  const labels = container.Labels ?? {};
  const id = labels[IMAGE_LABEL] ?? '';
  // A later berth may mean something else by labels of its own schema.
  const isOwn =
    labels[SCHEMA_LABEL] === SCHEMA &&
    seals.isRight(nameOf(container), labels, labels[SEAL_LABEL]) &&
    (container.StartedAt ?? 0) <= 0;
  return isOwn && id !== `sha256:${container.ImageID}`
    ? { container: container.Id, id }
    : undefined;
}

function everyPod(api: PodmanApi): Promise<readonly Pod[]> {
  const filters = JSON.stringify({ label: [SCHEMA_LABEL] });
  return api.json(podList, { method: 'GET', path: '/pods/json', query: { filters } });
}

/**
 * Whether berth made the pod. A user's pod may carry the labels too, and the user could change whatever is
 * put into it.
 */
function isPinPod({ Name, Labels: labels, InfraId }: Pod, root: string, keeper: Keeper): boolean {
  const isOwn = isPodOf(root, labels ?? {}, keeper);
  return isOwn && isPodName(Name ?? '', root) && (InfraId ?? '') === '';
}

async function inspect(
  api: PodmanApi,
  container: string,
): Promise<InferOutput<typeof pinReply> | undefined> {
  const call = { method: 'GET', path: `/containers/${container}/json` } as const;
  const reply = await api.send(call);
  if (reply.status === 404) return undefined;
  if (reply.status !== 200) throw refused(call, reply);
  return parse(pinReply, reply.body.toString(), call.path);
}

function nameOf({ Names }: Container): string {
  const [name = '', ...others] = Names ?? [];
  return others.length === 0 ? name : '';
}

function byAge(a: { Created: string; Id: string }, b: { Created: string; Id: string }): number {
  if (a.Created !== b.Created) return a.Created < b.Created ? -1 : 1;
  return a.Id < b.Id ? -1 : 1;
}
