import assert from 'node:assert/strict';
import { request } from 'node:http';
import type { PinRequest } from '../../src/engine/pin.ts';
import { type Labels, pinLabels } from '../../src/engine/pins/labels.ts';
import { newPinName } from '../../src/engine/pins/pin-name.ts';
import { newPodName, podLabels } from '../../src/engine/podman/pins/pod-of-pins.ts';

/** What somebody who can make containers makes look like a pin; all that is left out is right. */
export interface Forgery {
  readonly root: string;
  readonly pin: PinRequest;
  /** Beside those of a pin, or in their place. */
  readonly labels?: Labels;
  readonly name?: string;
  /** `none`, or of a pod that is made for it: what is said differs from berth's own. */
  readonly pod?:
    | 'none'
    | { readonly name?: string; readonly labels?: Labels; readonly no_infra?: boolean };
  /** Beside what berth asks of the container, or in its place. */
  readonly body?: Readonly<Record<string, unknown>>;
}

/** Makes a container by podman's API, as berth makes those of its pins. @returns its name. */
export async function forge(
  socket: string,
  { root, pin, labels = {}, name = newPinName(root), pod = {}, body = {} }: Forgery,
): Promise<string> {
  const own = { name: newPodName(root), labels: podLabels(root) };
  await createContainer(socket, {
    image: pin.id,
    name,
    ...(pod === 'none' ? {} : { pod: await createPod(socket, { ...own, ...pod }) }),
    labels: { ...pinLabels(root, pin), ...labels },
    ...body,
  });
  return name;
}

/** @returns the id of a pod without infra. */
export function createPod(
  socket: string,
  body: { readonly name: string; readonly labels: Labels },
): Promise<string> {
  return create(socket, 'pods', { no_infra: true, ...body });
}

/** @returns the id of a container that is made as a pin is. */
export function createContainer(
  socket: string,
  body: {
    readonly name: string;
    readonly image: string;
    readonly labels: Labels;
    readonly pod?: string;
  },
): Promise<string> {
  return create(socket, 'containers', {
    entrypoint: ['/.berth-pin'],
    command: [],
    netns: { nsmode: 'none' },
    image_volume_mode: 'ignore',
    ...body,
    image: body.image.replace('sha256:', ''),
  });
}

/** @returns the id. */
async function create(socket: string, what: string, body: object): Promise<string> {
  const path = `/v4.0.0/libpod/${what}/create`;
  const headers = { 'content-type': 'application/json' };
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const sent = request({ socketPath: socket, agent: false, method: 'POST', path, headers });
  sent.on('response', (response) => {
    response
      .setEncoding('utf8')
      .toArray()
      .then((parts) => resolve(parts.join('')), reject);
  });
  sent.on('error', reject).end(JSON.stringify(body));
  const reply: unknown = JSON.parse(await promise);
  assert.ok(typeof reply === 'object' && reply !== null && 'Id' in reply, JSON.stringify(reply));
  return String(reply.Id);
}
