import { Code } from '@connectrpc/connect';
import { isRefusal } from '../../grpc/failure.ts';
import { Images } from '../../grpc/generated/containerd/services/images_pb.ts';
import type { Containerd } from './containerd.ts';

/** The document that a name stands for: an index, or a manifest. */
export interface Target {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** A name of an image. containerd's API calls this an image. */
export interface Name {
  readonly name: string;
  readonly target: Target;
  readonly labels: Labels;
}

export type Labels = Readonly<Record<string, string>>;

export async function listNames({ grpc }: Containerd): Promise<readonly Name[]> {
  const { images } = await grpc.unary(Images.method.list, {});
  return images.flatMap(({ name, target, labels }) => {
    if (target === undefined) return [];
    const { mediaType, digest, size } = target;
    return [{ name, target: { mediaType, digest, size: Number(size) }, labels }];
  });
}

/**
 * Makes a name, or makes it mean another document.
 *
 * @param labels to set, beside those that the name has; an empty text removes a label.
 */
export async function setName(
  { grpc }: Containerd,
  name: string,
  { mediaType, digest, size }: Target,
  labels: Labels,
): Promise<void> {
  const image = { name, labels, target: { mediaType, digest, size: BigInt(size) } };
  try {
    await grpc.unary(Images.method.create, { image: { ...image, labels: nonEmpty(labels) } });
  } catch (error) {
    if (!isRefusal(error, Code.AlreadyExists)) throw error;
    const paths = ['target', ...pathsOf(labels)];
    await grpc.unary(Images.method.update, { image, updateMask: { paths } });
  }
}

/** Sets labels of a name; an empty text removes a label. A name that is gone is no error. */
export async function labelName(
  { grpc }: Containerd,
  { name, target }: Name,
  labels: Labels,
): Promise<void> {
  const image = { name, labels, target: { ...target, size: BigInt(target.size) } };
  try {
    await grpc.unary(Images.method.update, { image, updateMask: { paths: pathsOf(labels) } });
  } catch (error) {
    if (!isRefusal(error, Code.NotFound)) throw error;
  }
}

/**
 * Removes a name; a name that is already gone is no error.
 *
 * @param sync whether to wait for the garbage collection that follows.
 */
export async function removeName({ grpc }: Containerd, name: string, sync: boolean): Promise<void> {
  try {
    await grpc.unary(Images.method.delete, { name, sync });
  } catch (error) {
    if (!isRefusal(error, Code.NotFound)) throw error;
  }
}

function pathsOf(labels: Labels): string[] {
  return Object.keys(labels).map((label) => `labels.${label}`);
}

function nonEmpty(labels: Labels): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));
}
