import type { InferOutput } from 'valibot';
import type { EngineInfo } from '../../engine.ts';
import { type Recent, recently } from '../../http/recent.ts';
import type { PodmanApi } from './api.ts';
import { infoReply } from './replies.ts';

/** podman's reply about itself and its settings. */
export type Info = InferOutput<typeof infoReply>;

/** Asks podman about itself. */
export type Settings = Recent<Info>;

/** @param clock in milliseconds, from any starting point. */
export function settingsOf(api: PodmanApi, clock?: () => number): Settings {
  return recently(() => api.json(infoReply, { method: 'GET', path: '/info' }), clock);
}

/** The cgroup below which podman puts a pod, if systemd manages cgroups. */
export function cgroupParentOf({ host }: Info): string | undefined {
  if (host.cgroupManager !== 'systemd') return undefined;
  return host.security.rootless ? 'user.slice' : 'machine.slice';
}

/**
 * @param directory the directory of images, if podman works on the storage of another system.
 * @param service how podman is reached.
 */
export function describe(
  { host, store }: Info,
  version: string,
  directory: string | undefined,
  service: string,
): EngineInfo {
  const { rootless } = host.security;
  return {
    name: 'podman',
    version,
    directory: directory ?? store.graphRoot,
    unpacking: temporaryOf(store),
    ...(rootless
      ? {}
      : {
          graphRoot: store.graphRoot,
          ...(store.graphDriverName === undefined ? {} : { driver: store.graphDriverName }),
          additionalStores: additionalStoresOf(store.graphOptions ?? {}),
        }),
    description: `${rootless ? 'rootless ' : ''}podman ${version}, its service ${service}`,
  };
}

/**
 * The directory where podman puts blobs until they are unpacked: containers.conf(5), `image_copy_tmp_dir`.
 */
export function temporaryOf({ imageCopyTmpDir }: Info['store']): string {
  return imageCopyTmpDir || '/var/tmp';
}

/** The storage driver; podman's default is overlay. */
export function driverOf({ graphDriverName }: Info['store']): string {
  return graphDriverName ?? 'overlay';
}

/** podman 4 reports only the last `overlay.imagestore`, podman 5 a list. */
function additionalStoresOf(options: Readonly<Record<string, unknown>>): readonly string[] {
  const values = Object.entries(options)
    .filter(([key]) => /imagestores?$/i.test(key))
    .flatMap(([, value]) => (Array.isArray(value) ? value : [value]));
  const paths = values.flatMap((value) => (typeof value === 'string' ? value.split(',') : []));
  return [...new Set(paths.filter((path) => path.startsWith('/')))];
}
