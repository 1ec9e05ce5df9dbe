import { parseName } from '../../image/name.ts';
import { formatPlatform, hostPlatform, parsePlatform } from '../../image/platform.ts';
import type { Blob, ResolvedImage } from '../../image/resolved.ts';
import type { Access } from '../../registry/access.ts';
import { EngineError, type FetchWatch, type ImageBytes } from '../engine.ts';
import { type PodmanApi, parse } from './api.ts';
import { badReply, failed } from './failure.ts';
import { hexOf, isOwn, listImage } from './images.ts';
import { loadImage } from './load.ts';
import { pullFailed } from './pull-failure.ts';
import { pullProgress } from './pull-progress.ts';
import { registryAuth } from './registry-auth.ts';
import { pullLine } from './replies.ts';

/** Where an image lies whose bytes are at hand, and which of its blobs podman needs of it. */
export interface AtHand {
  readonly from: ImageBytes;
  readonly blobs: readonly Blob[];
}

/**
 * Has podman load an image that is at hand, or pull it by its digest; podman judges policy.json,
 * and when it pulls, mirrors and TLS as the host's configuration says.
 *
 * @returns the ID of the image, `sha256:…`.
 */
export async function fetchImage(
  api: PodmanApi,
  image: ResolvedImage,
  access: Access,
  atHand: () => Promise<AtHand | undefined>,
  watch: FetchWatch = {},
): Promise<string> {
  const { registry, repository } = parseName(image.name);
  const name = `${registry}/${repository}@${image.digest}`;
  if (!(await isNamed(api, image.config, name))) {
    const found = isForHost(image) ? await atHand() : undefined;
    if (found === undefined) await pull(api, name, image, access, watch);
    else await load(api, name, image, access, found, watch);
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

/**
 * What is not shipped podman can pull as well: where its policy takes no archives, or somebody has
 * just removed a layer of which the blob is not here.
 */
async function load(
  api: PodmanApi,
  name: string,
  image: ResolvedImage,
  access: Access,
  { blobs, from }: AtHand,
  watch: FetchWatch,
): Promise<void> {
  try {
    await loadImage(api, image, blobs, from, watch);
  } catch (error) {
    const codes = ['engine-failed', 'no-such-image'];
    const isRefused = error instanceof EngineError && codes.includes(error.code);
    if (!isRefused || access.shipped !== undefined) throw error;
    try {
      await pull(api, name, image, access, watch);
    } catch {
      throw error;
    }
  }
}

async function pull(
  api: PodmanApi,
  name: string,
  image: ResolvedImage,
  access: Access,
  { signal, onBytes }: FetchWatch,
): Promise<void> {
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
  if (id !== image.config) {
    throw failed(`${name} became the image ${id}, expected ${image.config}`);
  }
}

/** Whether it is for the platform that podman chooses from an index, if nobody tells it another. */
export function isForHost({ platform }: ResolvedImage): boolean {
  return platform === formatPlatform(hostPlatform());
}

/** podman's parameters for another platform than the one that it would choose anyway. */
function platformQuery(image: ResolvedImage): Readonly<Record<string, string>> {
  const platform = parsePlatform(image.platform);
  if (platform === undefined || isForHost(image)) return {};
  const { os, architecture, variant } = platform;
  return { OS: os, Arch: architecture, ...(variant === undefined ? {} : { Variant: variant }) };
}
