import { Code } from '@connectrpc/connect';
import { EngineError } from '../../errors.ts';
import { isRefusal } from '../../grpc/failure.ts';
import { Content } from '../../grpc/generated/containerd/services/content_pb.ts';
import { oneRequest } from '../../grpc/requests.ts';
import type { StoredBlob } from '../../stored-blob.ts';
import type { Containerd } from './containerd.ts';

/** A blob or document in containerd's content store. */
export interface Stored {
  readonly size: number;
  /** What a document refers to; undefined for other blobs. */
  readonly references?: References | undefined;
}

/** What a document protects from garbage collection, by the labels that containerd and its clients write. */
export interface References {
  /** The manifests that an index keeps from being collected. */
  readonly manifests: readonly string[];
  /** The config that a manifest names. */
  readonly config?: string | undefined;
  /** The layers of a manifest, from the base up; none if the node drops the layers of unpacked images. */
  readonly layers: readonly string[];
  /** The name of the topmost snapshot of a config's unpacked image, by snapshotter. */
  readonly snapshots: ReadonlyMap<string, string>;
}

/** The most blobs and documents that are listed. */
const MAX_ENTRIES = 2_000_000;

/** Everything in the content store, by digest. */
export async function listContent({
  grpc,
  program,
}: Containerd): Promise<ReadonlyMap<string, Stored>> {
  const stored = new Map<string, Stored>();
  for await (const { info } of grpc.stream(Content.method.list, oneRequest({}))) {
    for (const { digest, size, labels } of info) {
      stored.set(digest, { size: Number(size), references: referencesIn(labels) });
    }
    if (stored.size > MAX_ENTRIES)
      throw tooMuch(`${program.name}'s content store`, MAX_ENTRIES, 'ctr content ls');
  }
  return stored;
}

const REFERENCE =
  /^containerd\.io\/gc\.ref\.(?:content\.(?:(m|l)\.(\d+)|(config))|snapshot\.(.+))$/;

function referencesIn(labels: Readonly<Record<string, string>>): References | undefined {
  const manifests: string[] = [];
  const layers: (readonly [index: number, digest: string])[] = [];
  const snapshots = new Map<string, string>();
  let config: string | undefined;
  for (const [label, value] of Object.entries(labels)) {
    const [all, kind, index, isConfig, snapshotter] = REFERENCE.exec(label) ?? [];
    if (all === undefined) continue;
    if (kind === 'm') manifests.push(value);
    if (kind === 'l') layers.push([Number(index), value]);
    if (isConfig !== undefined) config = value;
    if (snapshotter !== undefined) snapshots.set(snapshotter, value);
  }
  const known = manifests.length + layers.length + snapshots.size > 0 || config !== undefined;
  if (!known) return undefined;
  const ordered = layers.toSorted(([a], [b]) => a - b).map(([, digest]) => digest);
  return { manifests, config, layers: ordered, snapshots };
}

/**
 * Reads a whole document.
 *
 * @returns undefined if the document is not there, or larger than the limit.
 */
export async function readContent(
  { grpc }: Containerd,
  digest: string,
  limit: number,
): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const { data } of grpc.stream(Content.method.read, oneRequest({ digest }))) {
      size += data.length;
      if (size > limit) return undefined;
      chunks.push(data);
    }
  } catch (error) {
    if (isRefusal(error, Code.NotFound)) return undefined;
    throw error;
  }
  return Buffer.concat(chunks);
}

/** Finds a blob or document, whole. */
export async function findContent(
  { grpc }: Containerd,
  digest: string,
): Promise<StoredBlob | undefined> {
  try {
    const { info } = await grpc.unary(Content.method.info, { digest });
    if (info === undefined) return undefined;
    return { size: Number(info.size), read: () => bytesOf(grpc, digest) };
  } catch (error) {
    if (isRefusal(error, Code.NotFound)) return undefined;
    throw error;
  }
}

/** The reader may be slow, so there is no time limit for the whole. */
async function* bytesOf(grpc: Containerd['grpc'], digest: string): AsyncGenerator<Uint8Array> {
  const call = { timeout: 0 };
  for await (const { data } of grpc.stream(Content.method.read, oneRequest({ digest }), call)) {
    yield data;
  }
}

/** Sets labels of a blob. A blob that is gone is no error. */
export async function labelContent(
  { grpc }: Containerd,
  digest: string,
  labels: Readonly<Record<string, string>>,
): Promise<void> {
  const paths = Object.keys(labels).map((label) => `labels.${label}`);
  try {
    await grpc.unary(Content.method.update, { info: { digest, labels }, updateMask: { paths } });
  } catch (error) {
    if (!isRefusal(error, Code.NotFound)) throw error;
  }
}

/** @param command lists the entries. */
export function tooMuch(list: string, most: number, command: string): EngineError {
  return new EngineError(
    'engine-reply',
    `expected at most ${most} entries in ${list}, found more`,
    {
      hint: `\`${command}\` lists them: remove what nothing needs`,
    },
  );
}
