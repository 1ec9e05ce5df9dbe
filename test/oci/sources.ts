import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lockText } from '../../src/binding/lock.ts';
import { withBundle } from '../../src/bundle/read.ts';
import { BerthError } from '../../src/common/errors.ts';
import { sha256 } from '../../src/image/digest.ts';
import { parsePlatform } from '../../src/image/platform.ts';
import { openShipped, SHIPPED_STORE } from '../../src/oci/local-images.ts';
import { imageOfLayout } from '../../src/os-image/from-layout.ts';
import { readManifest } from '../../src/registry/manifests/read-manifest.ts';
import { signaturesIn } from '../../src/registry/policy/sigstore/attachments.ts';
import { openRoot } from '../../src/root/open-root.ts';
import { layoutAt } from '../../src/store/layout.ts';
import { storedManifest } from '../../src/store/manifest.ts';
import { ustar } from '../support/ustar.ts';
import { configBytes, layerBytes, manifestBytes, OCI } from './samples.ts';

/** A document, and the type that each source gives for it. */
export interface Sample {
  readonly content: Buffer;
  readonly mediaType: string;
}

/** Reads a document from a source, or fails. */
export type ReadFrom = (directory: string, sample: Sample) => unknown;

const NAME = 'registry.example.com/app:1';
const amd64 = parsePlatform('linux/amd64') ?? { os: '', architecture: '' };

/** Every source of manifests; an index is listed by the sample's type, too. */
export const sources: Readonly<Record<string, ReadFrom>> = {
  registry: (_, { content, mediaType }) =>
    readManifest(
      { registry: 'registry.example.com', repository: 'app', reference: '1' },
      { mediaType, content, digest: sha256(content) },
    ),
  'OS image in a layout': async (directory, sample) => {
    writeLayout(directory, sample);
    await imageOfLayout(directory, NAME, amd64, (at) => at);
  },
  'images that a root ships': (directory, sample) => {
    writeLayout(join(directory, SHIPPED_STORE), sample);
    const root = openRoot(directory);
    try {
      if (openShipped(root)?.find(NAME, amd64) === undefined) throw new Error('not found');
    } finally {
      root.close();
    }
  },
  bundle: (_, sample) => withBundle('the bundle', bundleOf(sample), async ({ head }) => head),
  store: (directory, sample) => {
    writeLayout(directory, sample);
    const found = storedManifest(layoutAt(directory), new Map(), sha256(sample.content));
    if (found === undefined) throw new BerthError('store', 'refused', { hint: '' });
  },
};

/** Signatures are read only from OCI manifests. */
export const readSignatures: ReadFrom = (_, { content, mediaType }) =>
  signaturesIn({ registry: 'registry.example.com', repository: 'app' }, 'sha256-1.sig', {
    mediaType,
    content,
    digest: sha256(content),
  });

/** The blobs and manifests that documents name. */
export const blobs = [configBytes, layerBytes, manifestBytes];

function writeLayout(directory: string, { content, mediaType }: Sample): void {
  const path = join(directory, 'blobs/sha256');
  mkdirSync(path, { recursive: true });
  for (const blob of [...blobs, content]) {
    writeFileSync(join(path, sha256(blob).replace('sha256:', '')), blob);
  }
  const entry = entryOf(mediaType, content);
  const index = { schemaVersion: 2, manifests: [entry] };
  writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(directory, 'index.json'), JSON.stringify(index));
}

function entryOf(mediaType: string, content: Buffer, index?: string) {
  return {
    mediaType,
    digest: sha256(content),
    size: content.length,
    platform: amd64,
    annotations: {
      'org.opencontainers.image.ref.name': NAME,
      ...(index === undefined ? {} : { 'io.berth.index.digest': index }),
    },
  };
}

/**
 * A bundle of the document. Its index.json names manifests; an index lies beside the manifest that it
 * lists.
 */
async function* bundleOf({ content, mediaType }: Sample): AsyncGenerator<Buffer> {
  const isIndex = /index|list/.test(mediaType);
  const digest = sha256(content);
  const entry = isIndex
    ? entryOf(OCI.manifest, manifestBytes, digest)
    : entryOf(mediaType, content);
  const documents = [configBytes, content, ...(isIndex ? [manifestBytes] : [])];
  const sorted = documents.toSorted((a, b) => (sha256(a) < sha256(b) ? -1 : 1));
  const members = [...sorted, layerBytes].map((blob) => [
    `blobs/${sha256(blob).replace(':', '/')}`,
    blob,
  ]);
  const platforms = new Map([['linux/amd64', entry.digest]]);
  yield ustar({
    'oci-layout': '{"imageLayoutVersion":"1.0.0"}',
    'index.json': JSON.stringify({ schemaVersion: 2, manifests: [entry] }),
    'lock.json': lockText(new Map([[NAME, { digest, platforms }]])),
    'bundle.json': '{"apiVersion":"berth/v1","kind":"Bundle","omitted":[]}',
    ...Object.fromEntries(members),
  });
}
