import { setTimeout as delay } from 'node:timers/promises';
import { mapLimited } from '../../../common/limited.ts';
import { trimmedEnd } from '../../../common/text/trimmed-end.ts';
import { EngineError } from '../../errors.ts';
import type { Pin, PinRequest } from '../../pin.ts';
import { PIN_ENTRYPOINT, pinsOfHolds, says, standsFor, superfluousOf } from '../../pins/holds.ts';
import { pinInRounds } from '../../pins/in-rounds.ts';
import { pinLabels, SEAL_LABEL } from '../../pins/labels.ts';
import { newPinName } from '../../pins/pin-name.ts';
import { type DockerApi, parse } from '../api/api.ts';
import { refused } from '../api/failure.ts';
import { created, imageReply } from '../api/replies.ts';
import { targetMeant } from '../images/targets.ts';
import { listHolds, type Moorings, removeContainer } from './holds.ts';

/** How many containers are created at a time. More are not faster, since docker is mostly busy with its disk. */
const CREATED_AT_A_TIME = 4;

/** Every pin in docker, in one call. */
export async function listPins(moorings: Moorings): Promise<readonly Pin[]> {
  return pinsOfHolds(await listHolds(moorings), moorings.engine);
}

/**
 * Pins images by containers that are never started. A container is made from the image's id: one that is made
 * from a name holds only what the name means. If that fails, nothing stays of what was made for it.
 */
export async function pinImages(
  moorings: Moorings,
  root: string,
  requests: readonly PinRequest[],
): Promise<void> {
  const round = async (made: Set<string>) => {
    const ours = (await listHolds(moorings)).filter((hold) => hold.root === root);
    const missing = requests.filter((request) => !ours.some((hold) => says(hold, request)));
    await mapLimited(missing, CREATED_AT_A_TIME, async (request) => {
      made.add(await createPin(moorings, root, request));
    });
    if (missing.length > 0) return true;
    const superfluous = requests.flatMap((request) => superfluousOf(ours, request));
    for (const { container } of superfluous) await removeContainer(moorings.api, container);
    return superfluous.length > 0;
  };
  return pinInRounds(root, requests, {
    round,
    holds: () => listHolds(moorings),
    remove: (container) => removeContainer(moorings.api, container),
    hint: HINT,
  });
}

const HINT = 'see what else removes containers in docker, then run the same command again';

/** Drops pins with their duplicates. */
export async function unpinImages(moorings: Moorings, pins: readonly Pin[]): Promise<void> {
  const isDropped = standsFor(pins);
  for (const hold of await listHolds(moorings)) {
    if (isDropped(hold)) await removeContainer(moorings.api, hold.container);
  }
}

/**
 * The waits, in milliseconds, for a containerd that was killed while it made a snapshot: the snapshot's directory is
 * in the way until containerd cleans up, soon after its start (docker 26.1.5).
 */
const WAITS_FOR_CLEANUP: readonly number[] = [100, 200, 400, 800, 1600, 3200, 6400];

/**
 * Creates the container of a pin, which can run nothing. Every label of berth is set, so that none is
 * inherited from the image.
 */
async function createPin(
  moorings: Moorings,
  root: string,
  request: PinRequest,
  [wait, ...waits] = WAITS_FOR_CLEANUP,
): Promise<string> {
  const { api } = moorings;
  const call = await creationOf(moorings, root, request);
  const reply = await api.send(call);
  if (reply.status === 201) return parse(created, reply.body.toString(), call.path).Id;
  const error = refused(call, reply);
  if (reply.status === 404) throw notThere(request.id, error);
  if (wait === undefined || !error.message.includes('failed to rename: ')) throw error;
  await delay(wait);
  return createPin(moorings, root, request, waits);
}

async function creationOf(moorings: Moorings, root: string, request: PinRequest) {
  const { api, seals } = moorings;
  const name = newPinName(root);
  const labels = pinLabels(root, request);
  const target = await targetOf(moorings, request);
  const body = {
    Image: target,
    Entrypoint: [PIN_ENTRYPOINT],
    Cmd: [],
    Labels: { ...labels, [SEAL_LABEL]: seals.make(name, labels) },
    HostConfig: {
      NetworkMode: 'none',
      LogConfig: { Type: 'none' },
      Mounts: await coverVolumes(api, request.id, target),
    },
  };
  return { method: 'POST', path: '/containers/create', query: { name }, body } as const;
}

/** docker's id of the image to pin. docker's own store has the same ids as berth. */
async function targetOf(moorings: Moorings, { id, names }: PinRequest): Promise<string> {
  if (moorings.settings.latest.store === 'own') return id;
  const found = await targetMeant(moorings, id, names);
  if (found === undefined) throw notThere(id);
  return found.target;
}

/**
 * Mounts over the volumes of an image: otherwise docker makes a volume for each when the container is created,
 * copies the image's files into it, and leaves it there if the container is removed without it.
 */
async function coverVolumes(
  api: DockerApi,
  id: string,
  target: string,
): Promise<readonly object[]> {
  const call = { method: 'GET', path: `/images/${target}/json` } as const;
  const reply = await api.send(call);
  if (reply.status === 404) throw notThere(id);
  if (reply.status !== 200) throw refused(call, reply);
  const { Config } = parse(imageReply, reply.body.toString(), call.path);
  const volumes = Object.keys(Config?.Volumes ?? {}).map((path) => trimmedEnd(path, '/'));
  return [...new Set(volumes)].map((Target) => ({ Type: 'tmpfs', Target }));
}

function notThere(id: string, cause?: EngineError): EngineError {
  return new EngineError('no-such-image', `${id} can't be pinned: docker does not have it`, {
    hint: 'it was removed meanwhile; run the same command again',
    cause,
  });
}
