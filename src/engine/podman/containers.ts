import type { ServiceContainer } from '../engine.ts';
import { type PodmanApi, parse } from './api.ts';
import { refused } from './failure.ts';
import { containerList, containerReply } from './replies.ts';

/** podman takes it from the environment that its units have. */
const UNIT_LABEL = 'PODMAN_SYSTEMD_UNIT';
const POLICY_LABEL = 'io.containers.autoupdate';

/** The running containers that systemd's services started; not those that only hold a pod. */
export async function listServiceContainers(api: PodmanApi): Promise<readonly ServiceContainer[]> {
  const query = { filters: JSON.stringify({ label: [UNIT_LABEL] }) };
  const call = { method: 'GET', path: '/containers/json', query } as const;
  const listed = await api.json(containerList, call);
  const own = listed.filter(({ IsInfra }) => IsInfra !== true);
  const found = await Promise.all(own.map(({ Id }) => inspect(api, Id)));
  return found.filter((container) => container !== undefined);
}

/** @returns undefined if it is gone again. */
async function inspect(api: PodmanApi, id: string): Promise<ServiceContainer | undefined> {
  const call = { method: 'GET', path: `/containers/${id}/json` } as const;
  const reply = await api.send(call);
  if (reply.status === 404) return undefined;
  if (reply.status !== 200) throw refused(call, reply);
  const container = parse(containerReply, reply.body.toString(), call.path);
  const { CreateCommand, Labels } = container.Config;
  return {
    id: container.Id,
    name: container.Name,
    unit: Labels?.[UNIT_LABEL] ?? '',
    image: container.ImageName,
    imageId: `sha256:${container.Image}`,
    command: CreateCommand ?? [],
    policy: Labels?.[POLICY_LABEL] ?? '',
    health: container.State.Health?.Status ?? '',
  };
}
