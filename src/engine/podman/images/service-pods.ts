import type { ServicePod } from '../../containers.ts';
import { type PodmanApi, parse } from '../api/api.ts';
import { refused } from '../api/failure.ts';
import { podList, podReply } from '../api/replies.ts';
import { UNIT_LABEL } from './containers.ts';

/** The pods that systemd's services made, with the commands that made them. */
export async function listServicePods(api: PodmanApi): Promise<readonly ServicePod[]> {
  const query = { filters: JSON.stringify({ label: [UNIT_LABEL] }) };
  const listed = await api.json(podList, { method: 'GET', path: '/pods/json', query });
  const found = await Promise.all(listed.map(({ Id }) => inspect(api, Id)));
  return found.filter((pod) => pod !== undefined);
}

/** @returns undefined if the pod is gone. */
async function inspect(api: PodmanApi, id: string): Promise<ServicePod | undefined> {
  const call = { method: 'GET', path: `/pods/${id}/json` } as const;
  const reply = await api.send(call);
  if (reply.status === 404) return undefined;
  if (reply.status !== 200) throw refused(call, reply);
  const { CreateCommand, Labels } = parse(podReply, reply.body.toString(), call.path);
  return { unit: Labels?.[UNIT_LABEL] ?? '', command: CreateCommand ?? [] };
}
