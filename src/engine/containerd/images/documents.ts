import * as v from 'valibot';
import { checkBy } from '../../../common/check-by.ts';
import { isDigest, sha256 } from '../../../image/digest.ts';
import type { Blob } from '../../../image/resolved.ts';
import { MAX_DOCUMENT_BYTES, parseDocument } from '../../../oci/document.ts';
import type { Containerd } from '../api/containerd.ts';
import { readContent } from '../api/content.ts';

/** The parts of an index or manifest that berth needs here. */
export type Document =
  | { readonly kind: 'index'; readonly mediaType: string; readonly manifests: readonly string[] }
  | {
      readonly kind: 'manifest';
      readonly mediaType: string;
      readonly config: Blob;
      readonly layers: readonly Blob[];
    };

/** The most documents that are kept in memory: those of some thousand images. */
const MAX_KEPT = 10_000;

/**
 * The documents of images. Each is read once, because what a digest stands for never changes. A document that is
 * damaged, or that berth does not understand, counts as missing.
 */
export class Documents {
  readonly #containerd: Containerd;
  readonly #documents = new Map<string, Document>();
  readonly #diffIds = new Map<string, readonly string[]>();

  constructor(containerd: Containerd) {
    this.#containerd = containerd;
  }

  async document(digest: string): Promise<Document | undefined> {
    return this.#kept(this.#documents, digest, documentIn);
  }

  /** The digests of the unpacked layers, as a config lists them. */
  async diffIds(config: string): Promise<readonly string[] | undefined> {
    return this.#kept(this.#diffIds, config, diffIdsIn);
  }

  async #kept<T>(
    kept: Map<string, T>,
    digest: string,
    parse: (content: Buffer) => T | undefined,
  ): Promise<T | undefined> {
    const before = kept.get(digest);
    if (before !== undefined) return before;
    const content = await readContent(this.#containerd, digest, MAX_DOCUMENT_BYTES);
    if (content === undefined || sha256(content) !== digest) return undefined;
    const parsed = parse(content);
    if (parsed === undefined) return undefined;
    if (kept.size >= MAX_KEPT) kept.clear();
    kept.set(digest, parsed);
    return parsed;
  }
}

function documentIn(content: Buffer): Document | undefined {
  const document = parseDocument(content);
  if (document.kind === 'refused') return undefined;
  const { kind, mediaType } = document;
  if (kind === 'index') {
    return { kind, mediaType, manifests: document.entries.map(({ digest }) => digest) };
  }
  const layers = document.layers.map(({ mediaType: type, digest, size }) => ({
    mediaType: type,
    digest,
    size,
  }));
  return { kind, mediaType, config: document.config, layers };
}

/** image-spec, config.md. The config of an artifact has no `rootfs`. */
const Config = v.object({
  rootfs: v.optional(
    v.object({ diff_ids: v.nullish(v.array(v.pipe(v.string(), v.check(isDigest)))) }),
  ),
});

function diffIdsIn(content: Buffer): readonly string[] | undefined {
  try {
    const config = checkBy(Config, JSON.parse(content.toString()));
    return config.success ? (config.output.rootfs?.diff_ids ?? []) : undefined;
  } catch {
    return undefined;
  }
}
