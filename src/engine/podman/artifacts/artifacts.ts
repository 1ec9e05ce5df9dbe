import type { InferOutput } from 'valibot';
import { mapLimited } from '../../../common/limited.ts';
import { isDigest } from '../../../image/digest.ts';
import { isNameOrId } from '../../../image/name.ts';
import type { Blob } from '../../../image/resolved.ts';
import type { EngineImage } from '../../engine.ts';
import { type PodmanApi, parse } from '../api/api.ts';
import { badReply, refused } from '../api/failure.ts';
import { artifactList, artifactReply } from '../api/replies.ts';

/** The artifact that one name means in podman's artifact store. */
export interface StoredArtifact {
  readonly name: string;
  /** The digest of its manifest. */
  readonly digest: string;
  /** The files of the artifact; its config is not one. */
  readonly layers: readonly Blob[];
}

const AT_A_TIME = 8;

/** The first podman with a REST API for artifacts: pkg/api/server/register_artifacts.go. */
const SINCE = [5, 6] as const;

/** Whether a podman has a REST API for artifacts. */
export function keepsArtifacts(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > SINCE[0] || (major === SINCE[0] && minor >= SINCE[1]);
}

/**
 * Every artifact of podman's artifact store that has a full name. podman's list of them has no digests, so
 * each is inspected: a host has few.
 */
export async function listArtifacts(api: PodmanApi): Promise<readonly StoredArtifact[]> {
  const listed = (await api.json(artifactList, { method: 'GET', path: '/artifacts/json' })) ?? [];
  const names = new Set(
    listed.map(({ Name }) => Name).filter((name) => !isDigest(name) && isNameOrId(name)),
  );
  const found = await mapLimited([...names], AT_A_TIME, (name) => artifactNamed(api, name));
  return found.filter((artifact) => artifact !== undefined);
}

/** The artifact that podman has under this very name. */
export async function artifactNamed(
  api: PodmanApi,
  name: string,
): Promise<StoredArtifact | undefined> {
  const path = `/artifacts/${encodeURIComponent(name)}/json`;
  const call = { method: 'GET', path } as const;
  const reply = await api.send(call);
  if (reply.status === 404) return undefined;
  if (reply.status !== 200) throw refused(call, reply);
  return stored(name, parse(artifactReply, reply.body.toString(), path), path);
}

function stored(
  name: string,
  { Digest: digest, Manifest: { layers } }: InferOutput<typeof artifactReply>,
  path: string,
): StoredArtifact {
  if (!isDigest(digest)) throw badReply(path, 'its Digest is none');
  return { name, digest, layers: layers ?? [] };
}

/** The artifacts as images of the engine: their ids are the digests of their manifests. */
export function imagesOf(artifacts: readonly StoredArtifact[]): readonly EngineImage[] {
  return [...Map.groupBy(artifacts, ({ digest }) => digest)].map(([id, own]) => {
    const names = own.map(({ name }) => name);
    return {
      id,
      artifact: true,
      names: names.filter((name) => !name.includes('@')),
      digests: names.filter((name) => name.includes('@')),
      size: (own[0]?.layers ?? []).reduce((sum, { size }) => sum + size, 0),
    };
  });
}
