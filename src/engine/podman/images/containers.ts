import type * as v from 'valibot';
import type { ServiceContainer } from '../../containers.ts';
import { type PodmanApi, parse } from '../api/api.ts';
import { refused } from '../api/failure.ts';
import { containerReply, listedContainer } from '../api/replies.ts';

/** The label of containers and pods whose value podman copies from the environment of its unit. */
export const UNIT_LABEL = 'PODMAN_SYSTEMD_UNIT';
/** Nanoseconds in a second. */
const NANOSECONDS = 1e9;

const POLICY_LABEL = 'io.containers.autoupdate';

/**
 * The running containers that systemd's services, or one of them, started, without containers that only
 * hold a pod.
 */
export async function listServiceContainers(
  api: PodmanApi,
  unit: string | undefined,
): Promise<readonly ServiceContainer[]> {
  const label = unit === undefined ? UNIT_LABEL : `${UNIT_LABEL}=${unit}`;
  const query = { filters: JSON.stringify({ label: [label] }) };
  const call = { method: 'GET', path: '/containers/json', query } as const;
  const listed = await api.list(listedContainer, call);
  const own = listed.filter(({ IsInfra }) => IsInfra !== true);
  const found = await Promise.all(own.map(({ Id }) => inspect(api, Id)));
  return found.filter((container) => container !== undefined);
}

/** @returns undefined if the container is gone, or if `podman kube play` made it only to wait for others. */
async function inspect(api: PodmanApi, id: string): Promise<ServiceContainer | undefined> {
  const call = { method: 'GET', path: `/containers/${id}/json` } as const;
  const reply = await api.send(call);
  if (reply.status === 404) return undefined;
  if (reply.status !== 200) throw refused(call, reply);
  const container = parse(containerReply, reply.body.toString(), call.path);
  if (container.IsService === true) return undefined;
  const { CreateCommand, Labels } = container.Config;
  const health = healthOf(container);
  return {
    id: container.Id,
    name: container.Name,
    unit: Labels?.[UNIT_LABEL] ?? '',
    image: container.ImageName,
    imageId: `sha256:${container.Image}`,
    command: CreateCommand ?? [],
    policy: Labels?.[POLICY_LABEL] ?? '',
    ...(health === undefined ? {} : { health }),
  };
}

/**
 * A container with `HealthInterval=disable` stays `starting` for ever, unless somebody runs the check by
 * hand.
 */
function healthOf({
  Config,
  State,
}: v.InferOutput<typeof containerReply>): ServiceContainer['health'] {
  const { Interval = 0, StartPeriod = 0 } = Config.Healthcheck ?? {};
  const { Status = '', Log } = State.Health ?? {};
  if (Status === '' || Interval === 0) return undefined;
  const output = Log?.at(-1)?.Output ?? '';
  return { status: Status, output, startPeriod: StartPeriod / NANOSECONDS };
}
