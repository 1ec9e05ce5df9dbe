import { sha256 } from '../../src/image/digest.ts';
import { formatPlatform, hostPlatform, parsePlatform } from '../../src/image/platform.ts';
import type { BuiltImage, BuiltManifest } from './image-builder.ts';

const OCI = 'application/vnd.oci';

/**
 * Builds an OCI artifact, as `oras push` does: its files lie in a registry as they are, with their names
 * as annotations, beside an empty config.
 *
 * @param inIndex whether an index names the manifest, for the platform of this machine.
 */
export function buildArtifact(
  files: Readonly<Record<string, string>>,
  { inIndex = false } = {},
): BuiltImage {
  const blobs = new Map<string, Buffer>();
  const blob = (mediaType: string, content: Buffer) => {
    const digest = sha256(content);
    blobs.set(digest, content);
    return { mediaType, digest, size: content.length };
  };
  const config = blob(`${OCI}.empty.v1+json`, Buffer.from('{}'));
  const layers = Object.entries(files).map(([name, text]) => ({
    ...blob('text/plain', Buffer.from(text)),
    annotations: { 'org.opencontainers.image.title': name },
  }));
  const manifest = document('manifest', { artifactType: 'text/plain', config, layers });
  if (!inIndex) return { top: manifest, manifests: [manifest], blobs };
  const { mediaType, digest, content } = manifest;
  const platform = parsePlatform(formatPlatform(hostPlatform()));
  const entry = { mediaType, digest, size: content.length, platform };
  return { top: document('index', { manifests: [entry] }), manifests: [manifest], blobs };
}

function document(kind: 'manifest' | 'index', fields: object): BuiltManifest {
  const mediaType = `${OCI}.image.${kind}.v1+json`;
  const content = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...fields }));
  return { mediaType, digest: sha256(content), content };
}
