import { EngineError } from '../../errors.ts';
import { type Pin, type PinRequest } from '../../pin.ts';
import {
  assertReadable,
  PIN_ENTRYPOINT,
  pinsOfHolds,
  says,
  superfluousOf,
} from '../../pins/holds.ts';
import { type Keeper, pinLabels, SEAL_LABEL } from '../../pins/labels.ts';
import { isPinName, newPinName } from '../../pins/pin-name.ts';
import { failed, refused } from '../api/failure.ts';
import { created } from '../api/replies.ts';
import { genuineHolds, listHolds, listPods, type Moorings, removeContainer } from './holds.ts';
import { newPodName, podLabels } from './pod-of-pins.ts';

/** The number of rounds before berth reports that somebody else keeps undoing its pins. */
const MAX_ROUNDS = 8;

/** Every pin in podman, in one call. */
export async function listPins(moorings: Moorings): Promise<readonly Pin[]> {
  const { holds } = await listHolds(moorings);
  return pinsOfHolds(holds, moorings.engine);
}

/** As `Pins.genuine`. */
export async function genuinePins(
  moorings: Moorings,
  pins: readonly Pin[],
): Promise<readonly Pin[]> {
  const holds = pins.map((pin) => ({
    pin,
    root: pin.root,
    container: pin.handle,
    sealed: pin.sealed === true,
  }));
  return (await genuineHolds(moorings, holds)).map(({ pin }) => pin);
}

/**
 * Pins images by containers that are never started, in a pod without an infra container: podman keeps such
 * a pod and its containers through every prune.
 *
 * Each round looks at what exists and does the next missing step, new before old. When nothing is left to
 * do, everything is checked once more. So pinning also succeeds while another process pins or unpins, and
 * after an earlier run was killed.
 *
 * @param cgroupParent the cgroup of a new pod; if undefined, podman chooses.
 */
export async function pinImages(
  moorings: Moorings,
  root: string,
  requests: readonly PinRequest[],
  cgroupParent: () => Promise<string | undefined>,
): Promise<void> {
  const { api } = moorings;
  for (const request of requests) assertReadable(root, request);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const { holds, leftovers } = await listHolds(moorings);
    const ours = holds.filter((hold) => hold.root === root);
    const missing = requests.filter((request) => !ours.some((hold) => says(hold, request)));
    if (missing.length > 0) {
      const pod = await podOf(moorings, root, cgroupParent);
      for (const request of missing) if (!(await createPin(moorings, root, pod, request))) break;
      continue;
    }
    const superfluous = requests.flatMap((request) => superfluousOf(ours, request));
    const own = await genuineHolds(moorings, superfluous);
    for (const { container } of own) await removeContainer(api, container);
    if (own.length > 0) continue;
    for (const { container, name, id } of leftovers) {
      if (!isPinName(name, root) || !requests.some((request) => request.id === id)) continue;
      await removeContainer(api, container);
    }
    return;
  }
  throw failed(`somebody else keeps changing the pins of ${root}`);
}

async function podOf(
  { api, keeper }: Moorings,
  root: string,
  cgroupParent: () => Promise<string | undefined>,
): Promise<string> {
  const [pod] = await listPods({ api, keeper }, root);
  if (pod !== undefined) return pod.Id;
  const parent = await cgroupParent();
  const body = {
    name: newPodName(root),
    no_infra: true,
    labels: podLabels(root, keeper),
    ...cgroupOf(keeper, parent),
  };
  return (await api.json(created, { method: 'POST', path: '/pods/create', body })).Id;
}

/**
 * The cgroup of a new pod. Another user's podman has cgroups of systemd's in a login, and none in a service.
 * A podman complains at each boot about a pod whose cgroup was made for the other case, so the pods of other
 * users get no cgroup.
 */
function cgroupOf(keeper: Keeper, parent: string | undefined): object {
  if (keeper !== 'own') return { share_parent: false };
  return parent === undefined ? {} : { cgroup_parent: parent };
}

/**
 * Creates the container of a pin, which can run nothing. Every label of berth is set, so that none is
 * inherited from the image.
 *
 * @returns false if the pod is gone.
 */
async function createPin(
  { api, seals, keeper }: Moorings,
  root: string,
  pod: string,
  request: PinRequest,
): Promise<boolean> {
  const name = newPinName(root);
  const labels = pinLabels(root, request, keeper);
  const body = {
    image: request.id.replace(/^sha256:/, ''),
    name,
    pod,
    entrypoint: [PIN_ENTRYPOINT],
    command: [],
    netns: { nsmode: 'none' },
    image_volume_mode: 'ignore',
    labels: { ...labels, [SEAL_LABEL]: seals.make(name, labels) },
  };
  const call = { method: 'POST', path: '/containers/create', body } as const;
  const reply = await api.send(call);
  if (reply.status === 201) return true;
  const error = refused(call, reply);
  // podman 4.3 answers 500 to both, later versions 404.
  if (error.message.includes('no such pod')) return false;
  if (!/image not known|no such image/.test(error.message)) throw error;
  throw new EngineError('no-such-image', `${request.id} can't be pinned: podman does not have it`, {
    hint: 'it was removed meanwhile; run the same command again',
    cause: error,
  });
}
