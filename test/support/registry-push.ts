import assert from 'node:assert/strict';
import { sha256 } from '../../src/image/digest.ts';
import type { BuiltImage, BuiltManifest } from './image-builder.ts';

/** Pushes an image, all its platforms, into a registry that speaks plain HTTP, and tags it. */
export async function pushImage(
  host: string,
  repository: string,
  tag: string,
  image: BuiltImage,
): Promise<void> {
  for (const content of image.blobs.values()) await pushBlob(host, repository, content);
  for (const manifest of image.manifests) {
    await pushManifest(host, repository, manifest.digest, manifest);
  }
  await pushManifest(host, repository, tag, image.top);
}

/** @returns the digest. */
export async function pushBlob(host: string, repository: string, content: Buffer): Promise<string> {
  const started = await fetch(`http://${host}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
  const digest = sha256(content);
  const upload = new URL(started.headers.get('location') ?? '', `http://${host}`);
  upload.searchParams.set('digest', digest);
  const headers = { 'content-type': 'application/octet-stream' };
  const ended = await fetch(upload, { method: 'PUT', headers, body: new Uint8Array(content) });
  assert.equal(ended.status, 201, await ended.text());
  return digest;
}

export async function pushManifest(
  host: string,
  repository: string,
  reference: string,
  { mediaType, content }: Pick<BuiltManifest, 'mediaType' | 'content'>,
): Promise<void> {
  const url = `http://${host}/v2/${repository}/manifests/${reference}`;
  const headers = { 'content-type': mediaType };
  const answer = await fetch(url, { method: 'PUT', headers, body: new Uint8Array(content) });
  assert.equal(answer.status, 201, await answer.text());
}
