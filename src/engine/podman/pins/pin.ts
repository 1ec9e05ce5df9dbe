import { EngineError } from '../../errors.ts';
import { type Pin, type PinRequest } from '../../pin.ts';
import { PIN_ENTRYPOINT, pinsOfHolds, says, superfluousOf } from '../../pins/holds.ts';
import { pinInRounds } from '../../pins/in-rounds.ts';
import { type Keeper, pinLabels, SEAL_LABEL } from '../../pins/labels.ts';
import { isPinName, newPinName } from '../../pins/pin-name.ts';
import { parse } from '../api/api.ts';
import { refused } from '../api/failure.ts';
import { created } from '../api/replies.ts';
import { genuineHolds, listHolds, listPods, type Moorings, removeContainer } from './holds.ts';
import { newPodName, podLabels } from './pod-of-pins.ts';
import { removeEmptyPods } from './tidy.ts';

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
 * a pod and its containers through every prune. If that fails, nothing stays of what was made for it.
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
  const round = async (made: Set<string>) => {
    const { holds, leftovers, astray } = await listHolds(moorings);
    const stray = astray.find(({ container }) => made.has(container));
    if (stray !== undefined) throw notAnImage(stray.id);
    const ours = holds.filter((hold) => hold.root === root);
    const missing = requests.filter((request) => !ours.some((hold) => says(hold, request)));
    if (missing.length > 0) {
      const pod = await podOf(moorings, root, cgroupParent);
      for (const request of missing) {
        const container = await createPin(moorings, root, pod, request);
        if (container === undefined) break;
        made.add(container);
      }
      return true;
    }
    const superfluous = requests.flatMap((request) => superfluousOf(ours, request));
    const own = await genuineHolds(moorings, superfluous);
    for (const { container } of own) await removeContainer(api, container);
    if (own.length > 0) return true;
    for (const { container, name, id } of leftovers) {
      if (!isPinName(name, root) || !requests.some((request) => request.id === id)) continue;
      await removeContainer(api, container);
    }
    return false;
  };
  return pinInRounds(root, requests, {
    round,
    holds: async () => (await listHolds(moorings)).holds,
    remove: (container) => removeContainer(api, container),
    tidy: () => removeEmptyPods(moorings, root),
    hint: HINT,
  });
}

const HINT = 'see what else removes containers and pods in podman, then run the same command again';

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
 * @returns the container's id; undefined if the pod is gone.
 */
async function createPin(
  { api, seals, keeper }: Moorings,
  root: string,
  pod: string,
  request: PinRequest,
): Promise<string | undefined> {
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
  if (reply.status === 201) return parse(created, reply.body.toString(), call.path).Id;
  const error = refused(call, reply);
  // podman 4.3 answers 500 to both, later versions 404.
  if (error.message.includes('no such pod')) return undefined;
  if (!/image not known|no such image/.test(error.message)) throw error;
  throw new EngineError('no-such-image', `${request.id} can't be pinned: podman does not have it`, {
    hint: 'it was removed meanwhile; run the same command again',
    cause: error,
  });
}

function notAnImage(id: string): EngineError {
  const message = `${id} can't be pinned: podman makes a container of another image from it, so it is a manifest list`;
  return new EngineError('engine-failed', message, {
    hint: 'give the image of the list that is to run a name of its own with `podman tag`, and let the unit name that',
  });
}
