import * as v from 'valibot';
import { withLock } from '../common/process-lock.ts';
import { FETCHED, INDEX_DIGEST, REF_NAME } from '../oci/annotations.ts';
import { damaged } from './failure.ts';
import { readBounded, writeWhole } from './file.ts';
import type { Layout } from './layout.ts';

/** Some 100,000 names. */
const MAX_BYTES = 64 * 1024 * 1024;

// Loose: what other tools wrote beside it stays when the file is written again.
const DescriptorSchema = v.looseObject({
  mediaType: v.string(),
  digest: v.string(),
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  annotations: v.optional(v.record(v.string(), v.string())),
});

const IndexSchema = v.looseObject({
  schemaVersion: v.literal(2),
  manifests: v.array(DescriptorSchema),
});

/** The index.json of a layout (image-spec, image-layout.md): which names mean which manifests. */
export type Index = v.InferOutput<typeof IndexSchema>;
export type Descriptor = v.InferOutput<typeof DescriptorSchema>;

/** A name of the store: `repository:tag` or `repository@digest`. */
export function nameOf(descriptor: Descriptor): string | undefined {
  return descriptor.annotations?.[REF_NAME];
}

/** The index that the name stands for in the registry, kept beside the manifest. */
export function indexDigestOf(descriptor: Descriptor): string | undefined {
  return descriptor.annotations?.[INDEX_DIGEST];
}

/** Whether berth gave the name to what it had fetched itself. */
export function isFetched({ annotations }: Descriptor): boolean {
  return annotations?.[FETCHED] !== undefined;
}

/** The descriptor of a manifest under a name. */
export function named(
  descriptor: Descriptor,
  name: string,
  { index, fetched }: { readonly index?: string | undefined; readonly fetched: boolean },
): Descriptor {
  const annotations = {
    [REF_NAME]: name,
    ...(index === undefined ? {} : { [INDEX_DIGEST]: index }),
    ...(fetched ? { [FETCHED]: 'true' } : {}),
  };
  return { ...descriptor, annotations };
}

/** The same, for a layout that is not berth's store. */
export function withoutFetched(descriptor: Descriptor): Descriptor {
  const { [FETCHED]: _, ...annotations } = descriptor.annotations ?? {};
  return { ...descriptor, annotations };
}

/**
 * The index with the descriptor in it. A tag means one manifest and is moved; a digest may be an
 * index's, and then means a manifest for each platform that was fetched.
 */
export function withDescriptor(index: Index, added: Descriptor): Index {
  const name = nameOf(added);
  const replaced = (other: Descriptor) =>
    nameOf(other) === name && (!name?.includes('@') || other.digest === added.digest);
  const at = index.manifests.findIndex(replaced);
  if (at >= 0 && isSame(index.manifests[at], added)) return index;
  return { ...index, manifests: [...index.manifests.filter((d) => !replaced(d)), added] };
}

/**
 * @throws {EngineError} `store-damaged` if it is not what it should be: what it named can't be
 * told from elsewhere, so it is never passed over.
 */
export function readIndex(layout: Layout): Index {
  const content = readBounded(layout.index, MAX_BYTES);
  if (content === undefined) return { schemaVersion: 2, manifests: [] };
  const known = judged.get(layout);
  if (known?.content.equals(content) === true) return known.index;
  const index = parse(layout, content);
  judged.set(layout, { content, index });
  return index;
}

/** The last that was read: of a large store it takes a while to judge it. */
const judged = new WeakMap<Layout, { readonly content: Buffer; readonly index: Index }>();

function parse(layout: Layout, content: Buffer): Index {
  try {
    return v.parse(IndexSchema, JSON.parse(content.toString()));
  } catch (error) {
    throw damaged(
      layout.index,
      `is not an OCI image index: ${error instanceof Error ? error.message : String(error)}`,
      'move it away and stage the roots again: blobs that are there are not downloaded again',
      error,
    );
  }
}

export async function writeIndex(layout: Layout, index: Index): Promise<void> {
  const content = JSON.stringify(index);
  await writeWhole(layout, layout.index, content);
  judged.set(layout, { content: Buffer.from(content), index });
}

/** Reads, changes and writes index.json as one step; not written if `change` gives it back. */
export async function changeIndex(
  layout: Layout,
  change: (index: Index) => Index,
  signal?: AbortSignal,
): Promise<void> {
  const options = signal === undefined ? {} : { signal };
  const work = async () => {
    const before = readIndex(layout);
    const after = change(before);
    if (after !== before) await writeIndex(layout, after);
  };
  await withLock(layout.writing, 'exclusive', work, options);
}

function isSame(a: Descriptor | undefined, b: Descriptor): boolean {
  return (
    a !== undefined &&
    a.digest === b.digest &&
    a.mediaType === b.mediaType &&
    a.size === b.size &&
    indexDigestOf(a) === indexDigestOf(b)
  );
}
