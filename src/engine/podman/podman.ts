import { type EngineId, podmanOf } from '../../common/engine-id.ts';
import { readImageLayers } from '../containers-storage/image-layers.ts';
import { readLayers } from '../containers-storage/layers.ts';
import type { Depot } from '../depot.ts';
import type { Engine } from '../engine.ts';
import { connectToPodman, type PodmanTarget } from './api/connect.ts';
import { describe, driverOf, settingsOf, temporaryOf } from './api/settings.ts';
import { withArtifactStore } from './artifacts/artifact-store.ts';
import { keepsArtifacts } from './artifacts/artifacts.ts';
import { Pulls } from './fetch/pull.ts';
import { listServiceContainers } from './images/containers.ts';
import { repairImages } from './images/repair.ts';
import { listServicePods } from './images/service-pods.ts';
import { podmanLosses } from './losses.ts';
import { imagesOf, mooringsOf, type Podman, pinsOf } from './parts.ts';
import type { Account } from './user/account.ts';

export { type PodmanTarget } from './api/connect.ts';
export { podmanListens, podmanPresent } from './api/locate.ts';
export { type Account, findAccount } from './user/account.ts';
export { whyNotUsable } from './user/usable.ts';

export interface PodmanOptions {
  /** The engine's id: a user's own berth calls the user's podman by the user's name. */
  readonly id?: EngineId;
  /** The calling user's podman instead of the system's. */
  readonly user: boolean;
  /** Start a service of berth's own, even if podman.socket exists; `CONTAINER_HOST` overrides this. */
  readonly alone?: boolean;
  readonly target?: PodmanTarget | undefined;
  /** The file with the key that seals pins; it need not exist. */
  readonly pinKey: string;
  /** Called once for each container that falsely claims to be berth's. */
  readonly warn?: (message: string) => void;
  /** Where images wait to be unpacked. */
  readonly depot?: Depot | undefined;
  /** The environment with `CONTAINER_HOST` and similar variables. */
  readonly environment: NodeJS.ProcessEnv;
}

/**
 * Opens podman through its libpod API on a unix socket. If nothing listens there, a service of berth's own
 * is started, which ends with `close`.
 *
 * @throws {EngineError} `engine-unreachable`
 */
export async function openPodman(options: PodmanOptions): Promise<Engine> {
  const { id = 'podman', user, alone = false, target, pinKey, warn, depot, environment } = options;
  const connection = await connectToPodman(user, environment, alone, target);
  const { api } = connection;
  const settings = settingsOf(api);
  const moorings = mooringsOf({ api, engine: id, keeper: 'own', pinKey, warn });
  const storage = async () => target?.storage ?? (await settings.recent()).store.graphRoot;
  const driver = async () => driverOf((await settings.recent()).store);
  const pulls = new Pulls(api, async (image, access, signal) =>
    depot?.permit(image, access, { signal, engineJudges: true }),
  );
  const podman: Podman = {
    api,
    settings,
    moorings,
    environment,
    depot,
    places: async () => ({
      storage: await storage(),
      temporary: temporaryOf((await settings.recent()).store),
    }),
    layers: async () => readLayers(await storage(), await driver()),
    pull: (name, image, access, watch) => pulls.pull(name, image, access, watch),
  };
  const hasArtifacts = () => keepsArtifacts(connection.version());
  return {
    id,
    ...(user ? { uid: process.geteuid?.() } : {}),
    traits: {
      downloads: 'engine',
      judges: 'engine',
      pullsAs: 'caller',
      pins: 'firm',
      loadsAsPulled: true,
      // CRI-O's storage is by default that of the system's podman.
      sharesStorageWith: user ? [] : ['crio'],
    },
    ...withArtifactStore(imagesOf(podman), { api, pulls, storage, keeps: hasArtifacts }),
    layers: async () => readImageLayers(await storage(), await driver()),
    ...pinsOf(podman),
    info: async () => {
      const service = connection.own ? 'started by berth' : `at ${api.socket}`;
      const info = await settings.recent();
      return { ...describe(info, connection.version(), target?.storage, service), name: id };
    },
    containers: (unit) => listServiceContainers(api, unit),
    pods: () => listServicePods(api),
    keepsArtifacts: hasArtifacts,
    repair: (signal) => repairImages(api, signal),
    losses: (signal) => podmanLosses(api, signal),
    close: () => connection.close(),
  };
}

export interface UserPodmanOptions
  extends Pick<PodmanOptions, 'pinKey' | 'warn' | 'depot' | 'environment'> {
  readonly account: Account;
  /** The id by which the podman is known, if that is not the id with the user's name. */
  readonly id?: EngineId;
}

/**
 * Opens a user's own podman: the caller's as `openPodman`, another user's as root.
 *
 * @throws {EngineError} `engine-unreachable`
 */
export async function openUserPodman(options: UserPodmanOptions): Promise<Engine> {
  const { account, ...rest } = options;
  const { id = podmanOf(account.name) ?? podmanOf(String(account.uid)) ?? 'podman' } = options;
  if (account.uid === process.geteuid?.()) return openPodman({ ...rest, id, user: true });
  const { openOthersPodman } = await import('./others-podman.ts');
  return openOthersPodman({ ...options, id });
}
