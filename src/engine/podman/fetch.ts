import { parseName } from '../../image/name.ts';
import { formatPlatform, hostPlatform, parsePlatform } from '../../image/platform.ts';
import type { ResolvedImage } from '../../image/resolved.ts';
import type { Access } from '../../registry/access.ts';
import { RegistryError } from '../../registry/registry.ts';
import type { EngineError, FetchWatch } from '../engine.ts';
import { type PodmanApi, parse } from './api.ts';
import { badReply, failed } from './failure.ts';
import { hexOf, isOwn, listImage } from './images.ts';
import { loadImage } from './load.ts';
import { pullProgress } from './pull-progress.ts';
import { registryAuth } from './registry-auth.ts';
import { pullLine } from './replies.ts';

/**
 * Has podman pull an image by its digest, or load it where a root ships it; podman judges
 * policy.json, mirrors and TLS as the host's configuration says.
 *
 * @returns the ID of the image, `sha256:…`.
 */
export async function fetchImage(
  api: PodmanApi,
  image: ResolvedImage,
  access: Access,
  watch: FetchWatch = {},
): Promise<string> {
  const { registry, repository } = parseName(image.name);
  const name = `${registry}/${repository}@${image.digest}`;
  if (!(await isNamed(api, image.config, name))) {
    if (access.shipped !== undefined && isForHost(image)) {
      await loadImage(api, image, access.shipped, watch);
    } else {
      const id = await pull(api, name, image, access, watch);
      if (id !== image.config) {
        throw failed(`${name} became the image ${id}, expected ${image.config}`);
      }
    }
    if (!(await isNamed(api, image.config, name))) {
      throw failed(`${name} was fetched and is not there`);
    }
  }
  watch.onBytes?.(image.blobs.reduce((sum, blob) => sum + blob.size, 0));
  return image.config;
}

/** Whether podman has the image in its own store, and the name by digest is one of its own. */
async function isNamed(api: PodmanApi, id: string, name: string): Promise<boolean> {
  const images = (await listImage(api, id)).filter(isOwn);
  return images.some((image) => image.RepoDigests?.includes(name));
}

async function pull(
  api: PodmanApi,
  name: string,
  image: ResolvedImage,
  access: Access,
  { signal, onBytes }: FetchWatch,
): Promise<string> {
  // Only this needs to know of credentials, and most commands don't fetch.
  const { unitCredentials } = await import('../../registry/credentials.ts');
  const credentials = await unitCredentials(image.name, access);
  const path = '/images/pull';
  const lines = api.lines({
    method: 'POST',
    path,
    query: {
      reference: name,
      // With `missing` it would do that the image of another repository has this digest.
      policy: 'always',
      ...(access.tlsVerify === false ? { tlsVerify: 'false' } : {}),
      ...platformQuery(image),
    },
    headers: registryAuth(credentials, parseName(name).registry, access),
    ...(signal === undefined ? {} : { signal }),
  });
  const progress = pullProgress(image.blobs);
  let id: string | undefined;
  for await (const line of lines) {
    if (line.trim() === '') continue;
    const said = parse(pullLine, line, path);
    // The status was 200 before podman knew.
    if (said.error !== undefined) throw pullFailed(name, said.error);
    if (said.stream !== undefined) onBytes?.(progress(said.stream));
    if (said.id !== undefined) id = `sha256:${hexOf(said.id)}`;
  }
  if (id === undefined) throw badReply(path, `it ended without a word on what became of ${name}`);
  return id;
}

/** Whether it is for the platform that podman chooses from an index, if nobody tells it another. */
function isForHost({ platform }: ResolvedImage): boolean {
  return platform === formatPlatform(hostPlatform());
}

/** podman's parameters for another platform than the one that it would choose anyway. */
function platformQuery(image: ResolvedImage): Readonly<Record<string, string>> {
  const platform = parsePlatform(image.platform);
  if (platform === undefined || isForHost(image)) return {};
  const { os, architecture, variant } = platform;
  return { OS: os, Arch: architecture, ...(variant === undefined ? {} : { Variant: variant }) };
}

/** podman has only words for what went wrong, and trying again makes sense for some of them. */
function pullFailed(name: string, words: string): EngineError | RegistryError {
  if (!/dial tcp|connection refused|connection reset|no such host|i\/o timeout/.test(words)) {
    return failed(`${name} was not pulled: ${words}`);
  }
  return new RegistryError('registry-unreachable', `podman can't reach the registry: ${words}`, {
    hint: 'see whether the network and the registry are up, then run the same command again',
  });
}
