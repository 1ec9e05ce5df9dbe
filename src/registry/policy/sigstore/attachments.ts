import * as v from 'valibot';
import { isDigest } from '../../../image/digest.ts';
import type { Blob } from '../../../image/resolved.ts';
import type { Access } from '../../access.ts';
import { BlobProgress } from '../../blob-progress.ts';
import { downloadBlob } from '../../download.ts';
import type { Endpoint } from '../../endpoint.ts';
import { RegistryError } from '../../errors.ts';
import type { Exchange } from '../../exchange.ts';
import { failure } from '../../failure.ts';
import { fetchManifest } from '../../fetch-manifest.ts';

/** A signature as it lies beside an image. Nothing of it is true before it is checked. */
export interface Attachment {
  /** What was signed. */
  readonly content: Buffer;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Each signer adds one, and one of a key that is known is enough. */
const MAX_SIGNATURES = 100;

/** cosign's have some 250, and more only where somebody adds annotations. */
const MAX_CONTENT_BYTES = 256 * 1024;

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const SIGNATURE = 'application/vnd.dev.cosign.simplesigning.v1+json';

const schema = v.object({
  layers: v.array(
    v.object({
      mediaType: v.string(),
      digest: v.pipe(v.string(), v.check(isDigest, 'expected a digest')),
      size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
      annotations: v.nullish(v.record(v.string(), v.string()), {}),
    }),
  ),
});

/** Where cosign puts the signatures of a manifest: a tag in its repository. */
export function attachmentTag(manifest: string): string {
  return `${manifest.replace(':', '-')}.sig`;
}

/**
 * Fetches the signatures of a manifest; what else is attached to it is let be.
 *
 * @throws {RegistryError} also if there are too many, or one is too large.
 */
export async function fetchAttachments(
  exchange: Exchange,
  place: Endpoint,
  access: Access,
  manifest: string,
  signal?: AbortSignal,
): Promise<readonly Attachment[]> {
  const layers = await signaturesAt(exchange, place, access, attachmentTag(manifest), signal);
  const fetched = layers.map(async ({ annotations, ...blob }) => {
    const content = await contentOf(exchange, place, access, blob, signal);
    return { content, annotations: annotations ?? {} };
  });
  return Promise.all(fetched);
}

async function signaturesAt(
  exchange: Exchange,
  place: Endpoint,
  access: Access,
  tag: string,
  signal?: AbortSignal,
) {
  const document = await attached(exchange, place, access, tag, signal);
  if (document === undefined) return [];
  const { mediaType, content } = document;
  if (mediaType !== MANIFEST) throw wrong(place, tag, `the type ${JSON.stringify(mediaType)}`);
  const checked = v.safeParse(schema, parse(place, tag, content));
  if (!checked.success) throw wrong(place, tag, 'something else');
  const signatures = checked.output.layers.filter((layer) => layer.mediaType === SIGNATURE);
  if (signatures.length > MAX_SIGNATURES) {
    throw wrong(place, tag, `${signatures.length} signatures, more than ${MAX_SIGNATURES}`);
  }
  const large = signatures.find(({ size }) => size > MAX_CONTENT_BYTES);
  if (large !== undefined) {
    throw wrong(place, tag, `a signature over ${large.size} bytes, more than ${MAX_CONTENT_BYTES}`);
  }
  return signatures;
}

async function attached(
  exchange: Exchange,
  place: Endpoint,
  access: Access,
  tag: string,
  signal?: AbortSignal,
) {
  try {
    return await fetchManifest(exchange, place, access, tag, signal);
  } catch (error) {
    if (error instanceof RegistryError && error.code === 'not-found') return undefined;
    throw error;
  }
}

async function contentOf(
  exchange: Exchange,
  place: Endpoint,
  access: Access,
  blob: Blob,
  signal?: AbortSignal,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const into = { write: async (chunk: Buffer) => void chunks.push(chunk) };
  await downloadBlob(exchange, place, access, blob, { into, progress: new BlobProgress(), signal });
  return Buffer.concat(chunks);
}

function parse(place: Endpoint, tag: string, content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8'));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw wrong(place, tag, 'something that is not JSON');
  }
}

function wrong(place: Endpoint, tag: string, found: string): RegistryError {
  return failure('bad-reply', place, `a manifest of signatures at ${tag}`, found, {
    hint: 'see what was pushed under that tag: `cosign sign` makes one that is understood',
  });
}
