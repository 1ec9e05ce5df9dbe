import type { Deployments } from '../deployment/deployment.ts';
import { isLiving, type RecordDeployment, type RootRecord } from '../state/record.ts';
import { isManual } from '../state/root-id.ts';
import type { Situation } from './situation.ts';
import { type Finding, judge } from './verify.ts';

/** A root as `status` shows it. */
export interface RootStatus {
  readonly id: string;
  readonly location: string;
  readonly engine: string;
  /** Absent if no updater knows the root, or none knows it any more. */
  readonly role?: RecordDeployment['role'];
  /** Names that somebody else moved; berth leaves them alone. */
  readonly drifted: readonly string[];
  readonly state: 'ready' | 'not ready' | 'pins';
  /** When the last stage ended, ISO 8601; absent if none has ended yet. */
  readonly staged?: string;
  readonly images: readonly ImageStatus[];
  readonly findings: readonly Finding[];
}

export interface ImageStatus {
  readonly name: string;
  readonly id: string;
  readonly digest: string;
  /** On disk, in bytes; 0 if the image is not there. */
  readonly size: number;
  /** `provided`: the image lies in a read-only store of podman. */
  readonly state: 'ready' | 'provided' | Finding['code'];
}

/** The status of every living root by the engine and the updaters, sorted by id. */
export function statusOf(situation: Situation, living: Deployments): readonly RootStatus[] {
  return [...situation.records.values()]
    .filter(isLiving)
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map((record) => rootStatus(record, situation, living));
}

/** The role that the updaters give the root now, or the recorded role if no updater can tell. */
function roleOf(
  { id, deployment }: RootRecord,
  { deployments, failures }: Deployments,
): RecordDeployment['role'] | undefined {
  const living = deployments.find((one) => one.id === id);
  const canTell = failures.length === 0 && deployments.length > 0;
  if (living !== undefined || !canTell) return living?.role ?? deployment?.role;
  return deployment?.role === 'held' ? 'held' : undefined;
}

function rootStatus(record: RootRecord, situation: Situation, living: Deployments): RootStatus {
  const role = roleOf(record, living);
  const findings = judge(record, situation);
  const contents = record.staged ?? record.pending;
  return {
    id: record.id,
    location: record.location,
    engine: record.engine,
    ...(role === undefined ? {} : { role }),
    drifted: (record.drift ?? []).flatMap(({ names }) => names.map(({ name }) => name)),
    state: findings.length > 0 ? 'not ready' : isManual(record.id) ? 'pins' : 'ready',
    ...(record.staged === undefined ? {} : { staged: record.staged.time }),
    images: [
      ...(contents?.images ?? []).flatMap((image) =>
        image.names.map(
          ({ name, digest }): ImageStatus => ({
            name,
            id: image.id,
            digest,
            size: situation.images.get(image.id)?.size ?? 0,
            state:
              findings.find(
                (f) => f.id === image.id && (f.name === name || f.code !== 'name-moved'),
              )?.code ?? presence(image.id, situation),
          }),
        ),
      ),
      ...(contents?.provided ?? []).map(
        ({ name, id, digest }): ImageStatus => ({
          name,
          id,
          digest,
          size: 0,
          state: providedState(findings, id, name),
        }),
      ),
    ],
    findings,
  };
}

/** The state of an image of which no finding speaks. */
function presence(id: string, { images, waiting }: Situation): ImageStatus['state'] {
  if (images.has(id)) return 'ready';
  return waiting.has(id) ? 'not-unpacked' : 'image-missing';
}

function providedState(
  findings: readonly Finding[],
  id: string,
  name: string,
): ImageStatus['state'] {
  return findings.find((found) => found.id === id && found.name === name)?.code ?? 'provided';
}
