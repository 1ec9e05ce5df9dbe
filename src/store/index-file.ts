import { withLock } from '../common/process-lock.ts';
import { FETCHED, INDEX_DIGEST, REF_NAME } from '../oci/annotations.ts';
import type { LooseDescriptor } from '../oci/descriptor.ts';
import { type IndexJson, MAX_INDEX_BYTES, parseIndexJson } from '../oci/index-json.ts';
import { damaged } from './failure.ts';
import { readBounded, writeWhole } from './file.ts';
import type { Layout } from './layout.ts';

export type Index = IndexJson;
export type Descriptor = LooseDescriptor;

/** A name of the store: `repository:tag` or `repository@digest`. */
export function nameOf(descriptor: Descriptor): string | undefined {
  return descriptor.annotations?.[REF_NAME];
}

/**
 * The digest of the index for which the name stands in the registry; the index is kept beside the manifest.
 */
export function indexDigestOf(descriptor: Descriptor): string | undefined {
  return descriptor.annotations?.[INDEX_DIGEST];
}

/** Whether berth gave this name to an image that it had fetched itself. */
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

/** The descriptor without berth's mark, for a layout that is not berth's store. */
export function withoutFetched(descriptor: Descriptor): Descriptor {
  const { [FETCHED]: _, ...annotations } = descriptor.annotations ?? {};
  return { ...descriptor, annotations };
}

/**
 * Adds a descriptor to index.json. A tag means one manifest and is moved. A digest may be that of an index;
 * then it means one manifest for each platform that was fetched.
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
 * Reads index.json; a store without one is empty.
 *
 * @throws {EngineError} `store-damaged`: nothing else tells what the names meant, so a damaged index.json
 *   is never ignored.
 */
export function readIndex(layout: Layout): Index {
  const content = readBounded(layout.index, MAX_INDEX_BYTES);
  if (content === undefined) return { schemaVersion: 2, manifests: [] };
  const known = judged.get(layout);
  if (known?.content.equals(content) === true) return known.index;
  const index = parse(layout, content);
  judged.set(layout, { content, index });
  return index;
}

/** The index.json that was read last, because validating a large store's takes a while. */
const judged = new WeakMap<Layout, { readonly content: Buffer; readonly index: Index }>();

function parse(layout: Layout, content: Buffer): Index {
  const parsed = parseIndexJson(content);
  if (parsed.kind !== 'refused') return parsed.index;
  throw damaged(
    layout.index,
    `is not an OCI image index: ${parsed.found}`,
    'move it away and stage the roots again: blobs that are there are not downloaded again',
  );
}

export async function writeIndex(layout: Layout, index: Index): Promise<void> {
  const content = JSON.stringify(index);
  await writeWhole(layout, layout.index, content);
  judged.set(layout, { content: Buffer.from(content), index });
}

/** Reads, changes and writes index.json as one step. Nothing is written if `change` returns its argument. */
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
