import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Recent, recently } from '../../http/recent.ts';
import type { DockerApi } from './api.ts';
import { infoReply } from './replies.ts';

/** How a docker keeps its images. */
export interface Settings {
  /**
   * `own`: docker's own store, where an image's id is the digest of its config. `containerd`: containerd's store,
   * where an image's id is the digest of its manifest or index.
   */
  readonly store: 'own' | 'containerd';
  /** The storage driver, such as `overlay2`; with containerd's store the snapshotter. */
  readonly driver: string;
  /** `/var/lib/docker` unless configured. */
  readonly root: string;
}

/** The settings of a docker, which somebody may restart with other ones. */
export interface LatestSettings extends Recent<Settings> {
  /** The settings in docker's last reply. */
  readonly latest: Settings;
}

export async function latestSettings(api: DockerApi): Promise<LatestSettings> {
  let latest: Settings | undefined;
  const asked = recently(async () => (latest = await settingsOf(api)));
  const first = await asked.now();
  return {
    now: () => asked.now(),
    recent: () => asked.recent(),
    get latest() {
      return latest ?? first;
    },
  };
}

/** The directories of docker's own containerd, and of the system's, which docker uses if there is one. */
const CONTAINERDS = [
  (root: string) => join(root, 'containerd/daemon'),
  () => '/var/lib/containerd',
];

async function settingsOf(api: DockerApi): Promise<Settings> {
  const info = await api.json(infoReply, { method: 'GET', path: '/info' });
  const isContainerd = (info.DriverStatus ?? []).some(
    ([key, value]) => key === 'driver-type' && value?.startsWith('io.containerd.snapshotter'),
  );
  return {
    store: isContainerd ? 'containerd' : 'own',
    driver: info.Driver,
    root: info.DockerRootDir,
  };
}

/** The directory of the images, whose file system must have the space for more. */
export function directoryOf({ store, root }: Settings): string {
  return store === 'own' ? root : (containerdOf(root) ?? root);
}

/** The directory of the containerd whose store docker uses; undefined if it is not where it usually is. */
export function containerdOf(root: string): string | undefined {
  return CONTAINERDS.map((place) => place(root)).find((path) =>
    existsSync(join(path, 'io.containerd.content.v1.content')),
  );
}

/** The file in which containerd keeps the names of docker's images; undefined in docker's own store. */
export function databaseOf({ store, root }: Settings): string | undefined {
  const containerd = store === 'containerd' ? containerdOf(root) : undefined;
  return containerd && join(containerd, 'io.containerd.metadata.v1.bolt/meta.db');
}
