import { existsSync } from 'node:fs';
import { parsePlatform } from '../../../image/platform.ts';
import type { ResolvedImage } from '../../../image/resolved.ts';
import { RegistryError } from '../../../registry/errors.ts';
import type { Registry } from '../../../registry/registry.ts';
import { pullRefused } from '../../fetch/pull-failure.ts';
import { Transfer } from '../../grpc/generated/containerd/services/transfer_pb.ts';
import { ImageStoreSchema } from '../../grpc/generated/containerd/transfer/imagestore_pb.ts';
import { OCIRegistrySchema } from '../../grpc/generated/containerd/transfer/registry_pb.ts';
import { accessOf } from '../../source.ts';
import { anyOf } from '../api/any.ts';
import type { Containerd } from '../api/containerd.ts';
import { withAuthStream } from './auth-stream.ts';
import { LONGEST_PULL, type Pull } from './fetch.ts';
import { withProgress } from './progress.ts';
import { puller } from './puller.ts';

/** Where hosts say how registries are reached: docs/hosts.md of containerd. */
const HOSTS = '/etc/containerd/certs.d';

/**
 * Pulls through the transfer service of containerd 1.7 and later. The service of 1.7 knows no mirrors, no
 * certificate authorities besides the system's, and no plain HTTP: berth downloads an image that it can't reach.
 */
export function pullByTransfer(containerd: Containerd, registry: Registry): Pull {
  return async (name, image, source, watch) => {
    const credentials = await registry.credentials(image.name, accessOf(source));
    const destination = anyOf(ImageStoreSchema, {
      name,
      ...platformsOf(image, containerd.snapshotter),
    });
    const transfer = async (authStream: string, signal: AbortSignal) => {
      const resolver = { authStream, hostDir: existsSync(HOSTS) ? HOSTS : '' };
      const from = anyOf(OCIRegistrySchema, { reference: name, resolver });
      try {
        await containerd.grpc.unary(
          Transfer.method.transfer,
          { source: from, destination },
          { signal, timeout: LONGEST_PULL },
        );
      } catch (error) {
        throw pullRefused(puller, name, error);
      }
    };
    try {
      await withProgress(containerd, name, image, watch, (signal) =>
        withAuthStream(containerd, image, credentials, signal, (id) => transfer(id, signal)),
      );
      return true;
    } catch (error) {
      if (error instanceof RegistryError && error.code === 'registry-unreachable') return false;
      throw error;
    }
  };
}

/** The one platform of an index that is fetched, and unpacked. */
function platformsOf(image: ResolvedImage, snapshotter: string) {
  const platform = parsePlatform(image.platform);
  if (platform === undefined) return {};
  const { os, architecture, variant = '' } = platform;
  const wanted = { os, architecture, variant };
  return { platforms: [wanted], unpacks: [{ platform: wanted, snapshotter }] };
}
