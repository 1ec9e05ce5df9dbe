import type { Blob } from '../../../image/resolved.ts';
import { type Layer, parseDocument } from '../../../oci/document.ts';
import type { Manifest } from '../../../oci/manifest.ts';
import { OCI_MANIFEST } from '../../../oci/media-types.ts';
import type { Access } from '../../access.ts';
import { BlobProgress } from '../../blob-progress.ts';
import { downloadBlob } from '../../download.ts';
import type { Endpoint } from '../../endpoint.ts';
import { RegistryError } from '../../errors.ts';
import type { Exchange } from '../../exchange.ts';
import { failure } from '../../failure.ts';
import { fetchManifest } from '../../manifests/fetch-manifest.ts';
import {
  MAX_SIGNATURE_BYTES,
  MAX_SIGNATURES,
  SIGSTORE_TYPE,
  type SigstoreSignature,
} from '../signature.ts';

/** The tag under which cosign puts the signatures of a manifest, in the same repository. */
export function attachmentTag(manifest: string): string {
  return `${manifest.replace(':', '-')}.sig`;
}

/**
 * Fetches the signatures of a manifest; other attachments are ignored.
 *
 * @throws {RegistryError} also for too many signatures, or one that is too large.
 */
export async function fetchAttachments(
  exchange: Exchange,
  endpoint: Endpoint,
  access: Access,
  manifest: string,
  signal?: AbortSignal,
): Promise<readonly SigstoreSignature[]> {
  const layers = await signaturesAt(exchange, endpoint, access, attachmentTag(manifest), signal);
  const fetched = layers.map(async ({ annotations, ...blob }) => {
    const content = await contentOf(exchange, endpoint, access, blob, signal);
    return { kind: 'sigstore' as const, content, annotations };
  });
  return Promise.all(fetched);
}

async function signaturesAt(
  exchange: Exchange,
  endpoint: Endpoint,
  access: Access,
  tag: string,
  signal?: AbortSignal,
): Promise<readonly Layer[]> {
  const manifest = await attached(exchange, endpoint, access, tag, signal);
  return manifest === undefined ? [] : signaturesIn(endpoint, tag, manifest);
}

/**
 * The layers of a signature manifest that are signatures.
 *
 * @throws {RegistryError} `bad-reply`
 */
export function signaturesIn(
  endpoint: Asked,
  tag: string,
  { mediaType, content }: Manifest,
): readonly Layer[] {
  if (mediaType !== OCI_MANIFEST)
    throw wrong(endpoint, tag, `the type ${JSON.stringify(mediaType)}`);
  const document = parseDocument(content, { mediaType });
  if (document.kind === 'refused') throw wrong(endpoint, tag, document.found);
  const layers = document.kind === 'manifest' ? document.layers : [];
  const signatures = layers.filter((layer) => layer.mediaType === SIGSTORE_TYPE);
  if (signatures.length > MAX_SIGNATURES) {
    throw wrong(endpoint, tag, `${signatures.length} signatures, more than ${MAX_SIGNATURES}`);
  }
  const large = signatures.find(({ size }) => size > MAX_SIGNATURE_BYTES);
  if (large !== undefined) {
    throw wrong(
      endpoint,
      tag,
      `a signature over ${large.size} bytes, more than ${MAX_SIGNATURE_BYTES}`,
    );
  }
  return signatures;
}

async function attached(
  exchange: Exchange,
  endpoint: Endpoint,
  access: Access,
  tag: string,
  signal?: AbortSignal,
) {
  try {
    return await fetchManifest(exchange, endpoint, access, tag, { signal });
  } catch (error) {
    if (error instanceof RegistryError && error.code === 'not-found') return undefined;
    throw error;
  }
}

async function contentOf(
  exchange: Exchange,
  endpoint: Endpoint,
  access: Access,
  blob: Blob,
  signal?: AbortSignal,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const into = { write: async (chunk: Buffer) => void chunks.push(chunk) };
  await downloadBlob(exchange, endpoint, access, blob, {
    into,
    progress: new BlobProgress(),
    signal,
  });
  return Buffer.concat(chunks);
}

type Asked = Pick<Endpoint, 'registry' | 'repository'>;

function wrong(endpoint: Asked, tag: string, found: string): RegistryError {
  return failure('bad-reply', endpoint, `a manifest of signatures at ${tag}`, found, {
    hint: 'see what was pushed under that tag: `cosign sign` makes one that is understood',
  });
}
