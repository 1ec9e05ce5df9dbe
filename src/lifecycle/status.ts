import type { EngineId } from '../common/engine-id.ts';
import type { Deployments } from '../deployment/deployment.ts';
import {
  type Contents,
  enginesOf,
  isLiving,
  type RecordDeployment,
  type RecordImage,
  type RootRecord,
} from '../state/record.ts';
import { isManual } from '../state/root-id.ts';
import { situationFor } from './absence.ts';
import type { Situation } from './situation.ts';
import { type Finding, judge } from './verify.ts';

/** A root as `status` shows it. */
export interface RootStatus {
  readonly id: string;
  readonly location: string;
  /** The engines of the root's images. */
  readonly engines: readonly EngineId[];
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
  readonly engine: EngineId;
  readonly name: string;
  readonly id: string;
  readonly digest: string;
  /** On disk, in bytes; 0 if the image is not there. */
  readonly size: number;
  /**
   * `provided`: the image lies in a read-only store of podman, or in an archive of the root. `waiting`: it
   * is downloaded, and its engine takes it when the root boots. `unseen`: this run does not look at its
   * engine.
   */
  readonly state: 'ready' | 'provided' | 'waiting' | 'unseen' | Finding['code'];
}

/** The status of every living root by the engine and the updaters, sorted by id. */
export function statusOf(situation: Situation, living: Deployments): readonly RootStatus[] {
  return [...situation.records.values()]
    .filter(isLiving)
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map((record) => statusOfRoot(record, situation, living));
}

/** The role that the updaters give the root now, or the recorded role if no updater can tell. */
export function roleOf(
  { id, deployment }: RootRecord,
  { deployments, failures }: Deployments,
): RecordDeployment['role'] | undefined {
  const living = deployments.find((one) => one.id === id);
  const canTell = failures.length === 0 && deployments.length > 0;
  if (living !== undefined || !canTell) return living?.role ?? deployment?.role;
  return deployment?.role === 'held' ? 'held' : undefined;
}

/** The status of one root. */
export function statusOfRoot(
  record: RootRecord,
  situation: Situation,
  living: Deployments,
): RootStatus {
  const role = roleOf(record, living);
  const findings = judge(record, situation);
  const about = Map.groupBy(findings, ({ id }) => id);
  const contents = record.staged ?? record.pending;
  return {
    id: record.id,
    location: record.location,
    engines: [...enginesOf(record)],
    ...(role === undefined ? {} : { role }),
    drifted: (record.drift ?? []).flatMap(({ names }) => names.map(({ name }) => name)),
    state: findings.length > 0 ? 'not ready' : isManual(record.id) ? 'pins' : 'ready',
    ...(record.staged === undefined ? {} : { staged: record.staged.time }),
    images: [
      ...(contents?.images ?? []).flatMap((image) =>
        image.names.map(
          ({ name, digest }): ImageStatus => ({
            engine: image.engine,
            name,
            id: image.id,
            digest,
            size: situation.engines.get(image.engine)?.images.get(image.id)?.size ?? 0,
            state:
              about
                .get(image.id)
                ?.find(
                  (found) =>
                    found.engine === image.engine &&
                    (found.name === name || found.code !== 'name-moved'),
                )?.code ?? presence(image, contents ?? {}, situation),
          }),
        ),
      ),
      ...(contents?.provided ?? []).map(
        ({ engine, name, id, digest }): ImageStatus => ({
          engine,
          name,
          id,
          digest,
          size: 0,
          state: about.get(id)?.find((found) => found.name === name)?.code ?? 'provided',
        }),
      ),
    ],
    findings,
  };
}

/** The state of an image of which no finding speaks. */
function presence(
  { engine, id }: RecordImage,
  contents: Pick<Contents, 'users'>,
  { engines }: Situation,
): ImageStatus['state'] {
  const found = engines.get(engine);
  if (found === undefined) return 'unseen';
  const on = situationFor(found, contents);
  if (on.images.has(id)) return 'ready';
  if (!on.waiting.has(id)) return 'image-missing';
  return on.engine.absence === undefined ? 'not-unpacked' : 'waiting';
}
