import { parseName } from '../../../image/name.ts';
import type { ResolvedImage } from '../../../image/resolved.ts';
import type { Credentials } from '../../../registry/auth/auth-file.ts';
import type { Registry } from '../../../registry/registry.ts';
import { pullRefused } from '../../fetch/pull-failure.ts';
import { ImageService } from '../../grpc/generated/cri/api_pb.ts';
import { isForHost } from '../../serves.ts';
import { accessOf } from '../../source.ts';
import type { Containerd } from '../api/containerd.ts';
import { LONGEST_PULL, type Pull } from './fetch.ts';
import { withProgress } from './progress.ts';
import { puller } from './puller.ts';

/**
 * Pulls through the CRI, with the node's configured registries, mirrors and snapshotter. The CRI pulls only images
 * of the node's own platform.
 */
export function pullByCri(containerd: Containerd, registry: Registry): Pull {
  return async (name, image, source, watch) => {
    if (!isForHost(image)) return false;
    const credentials = await registry.credentials(image.name, accessOf(source));
    const pull = async (signal: AbortSignal) => {
      try {
        await containerd.grpc.unary(
          ImageService.method.pullImage,
          { image: { image: name }, ...authOf(credentials, image) },
          { signal, timeout: LONGEST_PULL },
        );
      } catch (error) {
        throw pullRefused(puller, name, error);
      }
    };
    await withProgress(containerd, name, image, watch, pull);
    return true;
  };
}

/** Given a server's address, containerd sends the credentials to no mirror (`ParseAuth`). */
function authOf(credentials: Credentials | undefined, { name }: ResolvedImage) {
  if (credentials === undefined) return {};
  const { username, password, identityToken } = credentials;
  const { registry } = parseName(name);
  const serverAddress = `https://${registry === 'docker.io' ? 'registry-1.docker.io' : registry}`;
  const secret =
    identityToken === undefined
      ? { username, password: password.reveal() }
      : { identityToken: identityToken.reveal() };
  return { auth: { serverAddress, ...secret } };
}
