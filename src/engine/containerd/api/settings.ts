import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Code } from '@connectrpc/connect';
import * as v from 'valibot';
import { isRefusal } from '../../grpc/failure.ts';
import { Introspection } from '../../grpc/generated/containerd/services/introspection_pb.ts';
import { Version } from '../../grpc/generated/containerd/services/version_pb.ts';
import { ImageService, RuntimeService } from '../../grpc/generated/cri/api_pb.ts';
import type { Grpc } from '../../grpc/transport.ts';

/** What a containerd says about itself. */
export interface Settings {
  readonly version: string;
  /** The directories of the plugins that keep content and snapshots; empty if containerd does not tell them. */
  readonly content: string;
  readonly snapshots: string;
  /** Whether it can pull by its transfer service: containerd 1.7 and later. */
  readonly transfers: boolean;
}

export async function settingsOf(grpc: Grpc, snapshotter: string): Promise<Settings> {
  const [{ version }, { plugins }] = await Promise.all([
    grpc.unary(Version.method.version, {}),
    grpc.unary(Introspection.method.plugins, {}),
  ]);
  const working = plugins.filter(({ initErr }) => initErr === undefined);
  const rootOf = (type: string, id: string) =>
    working.find((plugin) => plugin.type === type && plugin.id === id)?.exports['root'] ?? '';
  return {
    version,
    content: rootOf('io.containerd.content.v1', 'content'),
    snapshots: rootOf('io.containerd.snapshotter.v1', snapshotter),
    transfers: working.some(({ type }) => type === 'io.containerd.transfer.v1'),
  };
}

/** containerd's root directory as packages configure it. */
const ROOT = '/var/lib/containerd';

/** The root directory: the parent of the plugins' directories. */
export function rootOf({ content }: Settings): string {
  return content === '' ? ROOT : dirname(content);
}

/** The file with the metadata of all namespaces. */
export function databaseOf(settings: Settings): string {
  return join(rootOf(settings), 'io.containerd.metadata.v1.bolt/meta.db');
}

/** The snapshotter if none is configured. */
const SNAPSHOTTER = 'overlayfs';

/** The CRI of a containerd, as it is configured. */
export interface Cri {
  readonly snapshotter: string;
}

/** In milliseconds: how long the CRI may take to get ready after containerd has started. */
const READY_IN = 10_000;
const PAUSE = 100;

/** Asks for the CRI; undefined if the CRI plugin is disabled. */
export async function findCri(grpc: Grpc): Promise<Cri | undefined> {
  const end = performance.now() + READY_IN;
  for (;;) {
    try {
      const { info } = await grpc.unary(RuntimeService.method.status, { verbose: true });
      return {
        snapshotter: snapshotterIn(info['config'] ?? '') ?? (await snapshotterByPath(grpc)),
      };
    } catch (error) {
      if (isRefusal(error, Code.Unimplemented)) return undefined;
      const isStarting = isRefusal(error, Code.Unavailable) || isRefusal(error, Code.Unknown);
      if (!isStarting || performance.now() >= end) throw error;
    }
    await setTimeout(PAUSE);
  }
}

const Config = v.object({ containerd: v.object({ snapshotter: v.string() }) });

/** The snapshotter in the CRI's configuration; undefined for containerd 2, whose reply does not name it. */
function snapshotterIn(text: string): string | undefined {
  try {
    const config: unknown = JSON.parse(text);
    return v.is(Config, config) ? config.containerd.snapshotter || undefined : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The snapshotter after which the directory of the CRI's images is named. If runtimes have snapshotters of their own
 * there are several directories, and berth takes the usual snapshotter.
 */
async function snapshotterByPath(grpc: Grpc): Promise<string> {
  const { imageFilesystems } = await grpc.unary(ImageService.method.imageFsInfo, {});
  const names = imageFilesystems.flatMap(({ fsId }) => {
    const [, name] =
      /\/io\.containerd\.snapshotter\.v1\.([\w-]+)$/.exec(fsId?.mountpoint ?? '') ?? [];
    return name ?? [];
  });
  const [only = SNAPSHOTTER] = names;
  return names.length === 1 ? only : SNAPSHOTTER;
}
