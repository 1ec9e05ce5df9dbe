import { parsePlatform } from '../../../image/platform.ts';
import { type ResolvedImage, sizeOf } from '../../../image/resolved.ts';
import type { Access } from '../../../registry/access.ts';
import type { Credentials } from '../../../registry/auth/auth-file.ts';
import { type Puller, pullRefused, registryFailure } from '../../fetch/pull-failure.ts';
import { PullSilence } from '../../fetch/pull-silence.ts';
import type { FetchWatch } from '../../fetch-watch.ts';
import { registryAuthHeader } from '../../http/registry-auth-header.ts';
import { isForHost } from '../../serves.ts';
import { type DockerApi, parse } from '../api/api.ts';
import { failed } from '../api/failure.ts';
import { progressLine } from '../api/replies.ts';
import { pullProgress, unpackProgress } from './pull-progress.ts';

/** What a pull needs besides docker: berth's judgement of the image, and credentials. */
export interface PullRights {
  /** @throws {RegistryError} as `Registry.permit`. */
  readonly permit: (
    image: ResolvedImage,
    access: Access,
    signal: AbortSignal | undefined,
  ) => Promise<void>;
  /** As `Registry.credentials`. */
  readonly credentials: (name: string, access: Access) => Promise<Credentials | undefined>;
}

/** docker, as a puller. docker reads no registries.conf: berth has to download what only that file can reach. */
const puller: Puller = {
  program: 'docker',
  trust: (registry) => `add the CA to /etc/docker/certs.d/${registry}, or ${BY_BERTH}`,
  plain: () => `add it to insecure-registries of daemon.json, or ${BY_BERTH}`,
  login: (registry) => `log in with \`docker login ${registry}\``,
};

const BY_BERTH =
  'download by `berth stage --download-only` first, which uses registries.conf, and stage then';

/**
 * Has docker pull an image by its digest, after berth has judged the image: docker knows no policy.json.
 *
 * @param name the image's repository and digest.
 * @throws {RegistryError} `connection-lost` if docker is silent for too long.
 */
export async function pullImage(
  api: DockerApi,
  { permit, credentials }: PullRights,
  name: string,
  image: ResolvedImage,
  access: Access,
  { signal, onBytes, onUnpacked }: FetchWatch,
): Promise<void> {
  await permit(image, access, signal);
  const headers = headersFor(await credentials(image.name, access));
  const silence = new PullSilence('docker', name, image);
  const path = '/images/create';
  const signals = [silence.signal, ...(signal === undefined ? [] : [signal])];
  const query = { fromImage: name, ...platformQuery(image) };
  const call = {
    method: 'POST',
    path,
    query,
    headers,
    signal: AbortSignal.any(signals),
    isEndless: true,
  } as const;
  const progress = pullProgress(image.blobs);
  const layers = image.blobs.slice(1);
  const unpacked = unpackProgress(layers);
  try {
    for await (const line of api.lines(call)) {
      silence.broken();
      if (line.trim() === '') continue;
      const said = parse(progressLine, line, path);
      // docker sent the status 200 before it knew of the failure.
      const { error } = said;
      if (error !== undefined) {
        throw registryFailure(puller, name, error) ?? failed(`it did not pull ${name}: ${error}`);
      }
      onBytes?.(progress(said));
      const bytes = unpacked(said);
      if (bytes > 0) onUnpacked?.({ bytes, total: sizeOf(layers) });
    }
  } catch (error) {
    // docker answers with another status than 200 if the pull fails before the first byte has arrived.
    throw pullRefused(puller, name, error);
  } finally {
    silence.end();
  }
}

/** Without the header docker pulls anonymously: the daemon has no credentials of its own. */
function headersFor(found: Credentials | undefined): Readonly<Record<string, string>> {
  if (found === undefined) return {};
  const { username, password, identityToken } = found;
  if (identityToken !== undefined)
    return registryAuthHeader({ identitytoken: identityToken.reveal() });
  return registryAuthHeader({ username, password: password.reveal() });
}

/** The query parameter for a platform other than docker's default. */
function platformQuery(image: ResolvedImage): Readonly<Record<string, string>> {
  const isOther = parsePlatform(image.platform) !== undefined && !isForHost(image);
  return isOther ? { platform: image.platform } : {};
}
