import type { Identity } from './resource.ts';

/** The kinds with a pod whose lists kustomize merges by name, with their groups. */
const groups: Readonly<Record<string, string>> = {
  Pod: '',
  PodTemplate: '',
  ReplicationController: '',
  Deployment: 'apps',
  DaemonSet: 'apps',
  StatefulSet: 'apps',
  ReplicaSet: 'apps',
  Job: 'batch',
  CronJob: 'batch',
};

/** Whether kustomize knows the lists of a kind; those of others it replaces. */
export function isKnownKind({ group, version, kind }: Identity): boolean {
  return version === 'v1' && Object.hasOwn(groups, kind) && groups[kind] === group;
}
