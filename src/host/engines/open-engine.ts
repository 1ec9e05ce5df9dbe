import { type EngineId, engineParts, takesEverything } from '../../common/engine-id.ts';
import { absenceBy } from '../../engine/absent.ts';
import type { Depot } from '../../engine/depot.ts';
import type { Absence, Engine } from '../../engine/engine.ts';
import { EngineError } from '../../engine/errors.ts';
import type { PodmanTarget } from '../../engine/podman/podman.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Depots } from '../../store/depot.ts';
import { atBoot } from '../at-boot.ts';
import { HostError } from '../errors.ts';

/** How to open the engines of a host. */
export interface EnginesOptions {
  /** The engine that the caller names. */
  readonly name: EngineId | undefined;
  /** The engine that berth.toml names. */
  readonly configured: EngineId | undefined;
  /** The calling user's engine instead of the system's. */
  readonly user: boolean;
  readonly environment: NodeJS.ProcessEnv;
  /** Start a podman service for this host alone, even if one listens. */
  readonly alone: boolean;
  /** An OS that is not running yet, whose podman storage is used. */
  readonly target: PodmanTarget | undefined;
  /** The file with the key that seals pins; it need not exist. */
  readonly pinKey: string;
  /** Called for containers that falsely claim to be berth's; they are ignored. */
  readonly warn: (message: string) => void;
  /** The directory of the embedded store, which need not exist. */
  readonly storeDirectory: string;
  readonly registry: Registry;
  /** Whether this host limits downloads, from any registry. */
  readonly isLimiting: boolean;
  /** Called for images that an engine pulls by itself though this host limits downloads. */
  readonly warnOfLimit: (message: string) => void;
  /** The most bytes a second that may be downloaded, by the flag; undefined for no limit. */
  readonly limitRate: number | undefined;
  /** Engines fetch nothing themselves: images wait in their depots. */
  readonly downloadOnly: boolean;
}

/**
 * Opens an engine; one that can't be used here opens as absent.
 *
 * @param own the podman of the system, or of the calling user.
 * @throws {HostError} `limit-rate`; {EngineError} if an engine that should be there fails.
 */
export async function openEngine(
  id: EngineId,
  own: EngineId,
  depots: () => Promise<Depots>,
  options: EnginesOptions,
): Promise<Engine> {
  const { storeDirectory: directory, registry } = options;
  if (takesEverything(id)) {
    const { openStore } = await import('../../store/store.ts');
    return openStore({ directory, registry });
  }
  const { servesOf } = await import('../../engine/serves.ts');
  const depot = (await depots()).forEngine({ engine: id, serves: servesOf(id) });
  const absence = absenceOf(id, own, options);
  const engine = absence ?? (await openHere(id, own, depot, options));
  if (!('traits' in engine)) {
    const { absentEngine } = await import('../../engine/absent.ts');
    return absentEngine(id, engine, depot);
  }
  const refusal = refusalOfRate(engine, options);
  if (refusal === undefined) return options.isLimiting ? limited(engine, options) : engine;
  await engine.close();
  throw refusal;
}

/** The engine, for which berth downloads what this host limits. */
async function limited(engine: Engine, { registry, warnOfLimit }: EnginesOptions): Promise<Engine> {
  const { downloadingFirst } = await import('../../engine/download-first.ts');
  return downloadingFirst(engine, registry, warnOfLimit);
}

/** Opens an engine by its kind, or says why it can't be used. */
async function openHere(
  id: EngineId,
  own: EngineId,
  depot: Depot,
  options: EnginesOptions,
): Promise<Engine | Absence> {
  const { kind } = engineParts(id);
  if (kind === 'docker') {
    const { openDockerHere } = await import('./open-docker.ts');
    return openDockerHere(id, depot, options);
  }
  if (kind === 'containerd') {
    const { openContainerdHere } = await import('./open-containerd.ts');
    return openContainerdHere(id, depot, options);
  }
  if (kind === 'crio') {
    const { openCrioHere } = await import('./open-crio.ts');
    return openCrioHere(depot, options);
  }
  return openPodmanOf(id, own, depot, options);
}

/** Opens a podman, or says why it can't be used. */
async function openPodmanOf(
  id: EngineId,
  own: EngineId,
  depot: Depot,
  options: EnginesOptions,
): Promise<Engine | Absence> {
  const { user, environment, alone, target, pinKey, warn, name, configured } = options;
  const { openPodman, podmanPresent } = await import('../../engine/podman/podman.ts');
  if (id !== own) return openUserPodmanOf(id, depot, options);
  const isDemanded = target !== undefined || [name, configured].includes('podman');
  if (!isDemanded && !podmanPresent(user, environment))
    return atBoot('there is no podman on this system');
  return openPodman({ id, user, environment, alone, target, pinKey, warn, depot });
}

/** Opens the podman of another user, or says why it can't be used. */
async function openUserPodmanOf(
  id: EngineId,
  depot: Depot,
  { environment, pinKey, warn }: EnginesOptions,
): Promise<Engine | Absence> {
  const { findAccount, openUserPodman, whyNotUsable } = await import(
    '../../engine/podman/podman.ts'
  );
  const { user = '' } = engineParts(id);
  const account = await findAccount(user);
  const why = await whyNotUsable(user, account);
  if (why !== undefined) return { ...why, takes: 'at-boot' };
  if (account === undefined) return atBoot(`there is no user ${user} on this system`);
  try {
    return await openUserPodman({ id, account, environment, pinKey, warn, depot });
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return absenceBy(error);
  }
}

/** Why an engine can't be used here; undefined if it can be opened. */
function absenceOf(
  id: EngineId,
  own: EngineId,
  { user, target }: EnginesOptions,
): Absence | undefined {
  if (id === own) return undefined;
  const { kind, user: account } = engineParts(id);
  if (user) {
    const called = kind === 'crio' ? 'CRI-O' : kind;
    const engine = account === undefined ? called : `${id}, the podman of another user`;
    const reason = `only root can reach ${engine}`;
    return { reason, hint: 'run berth as root', takes: 'never' };
  }
  if (target === undefined) return undefined;
  if (account !== undefined)
    return atBoot('the users of an OS that does not run yet have no podman');
  // What waits for CRI-O needs a podman at the boot: `openCrioHere` looks for one.
  return kind === 'docker' || kind === 'containerd'
    ? atBoot(`an OS that does not run yet has no ${kind}`)
    : undefined;
}

/**
 * Refuses a rate limit for an engine that takes images only from registries: for any other one, berth downloads
 * what is limited.
 */
function refusalOfRate(
  { id, traits, depot }: Engine,
  { limitRate, downloadOnly }: EnginesOptions,
): HostError | undefined {
  if (limitRate === undefined || downloadOnly) return undefined;
  if (traits.downloads === 'berth' || depot !== undefined) return undefined;
  return new HostError(
    'limit-rate',
    `expected an engine that takes images from berth, because --limit-rate limits only what berth downloads; found ${id}, which takes images only from registries`,
    `leave it out, or install podman, by which berth hands images to ${id}; what ${id} pulls is held back by the system's traffic control alone`,
  );
}
