import { randomBytes } from 'node:crypto';
import { Code } from '@connectrpc/connect';
import { isRefusal } from '../../grpc/failure.ts';
import { Leases } from '../../grpc/generated/containerd/services/leases_pb.ts';
import type { Call } from '../../grpc/transport.ts';
import type { Containerd } from './containerd.ts';

/** A lease: containerd's garbage collection leaves alone what a lease holds. */
export interface Lease {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  /** In milliseconds since 1970. */
  readonly created: number;
}

/** A part of an image that a lease holds: `content` with a digest, `snapshots/NAME` with a chain. */
export interface Resource {
  readonly type: string;
  readonly id: string;
}

/** The leases that have a label, whatever its value. */
export async function listLeases({ grpc }: Containerd, label: string): Promise<readonly Lease[]> {
  const { leases } = await grpc.unary(Leases.method.list, { filters: [`labels."${label}"`] });
  return leases.map(({ id, labels, createdAt }) => ({
    id,
    labels,
    created: Number(createdAt?.seconds ?? 0n) * 1000 + (createdAt?.nanos ?? 0) / 1e6,
  }));
}

export async function makeLease(
  { grpc }: Containerd,
  id: string,
  labels: Readonly<Record<string, string>>,
): Promise<void> {
  await grpc.unary(Leases.method.create, { id, labels });
}

/** Removes a lease; a lease that is already gone is no error. */
export async function removeLease({ grpc }: Containerd, id: string): Promise<void> {
  try {
    await grpc.unary(Leases.method.delete, { id });
  } catch (error) {
    if (!isRefusal(error, Code.NotFound)) throw error;
  }
}

/** @returns false if the lease is gone. */
export async function hold({ grpc }: Containerd, id: string, resource: Resource): Promise<boolean> {
  try {
    await grpc.unary(Leases.method.addResource, { id, resource });
    return true;
  } catch (error) {
    if (isRefusal(error, Code.NotFound)) return false;
    throw error;
  }
}

/** The parts that a lease holds; none if the lease is gone. */
export async function heldBy({ grpc }: Containerd, id: string): Promise<readonly Resource[]> {
  try {
    return (await grpc.unary(Leases.method.listResources, { id })).resources;
  } catch (error) {
    if (isRefusal(error, Code.NotFound)) return [];
    throw error;
  }
}

/** In milliseconds: containerd removes the lease of a killed fetch after this time. */
const EXPIRES_MS = 24 * 60 * 60_000;

/** Runs the work with a lease that holds whatever the work's calls write, if they carry the given headers. */
export async function withLease<T>(
  containerd: Containerd,
  work: (headers: NonNullable<Call['headers']>) => Promise<T>,
): Promise<T> {
  const id = `berth-fetch-${randomBytes(8).toString('hex')}`;
  const expire = new Date(Date.now() + EXPIRES_MS).toISOString();
  await makeLease(containerd, id, { 'containerd.io/gc.expire': expire });
  try {
    return await work({ 'containerd-lease': id });
  } finally {
    await removeLease(containerd, id);
  }
}
