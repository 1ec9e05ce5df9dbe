import { join } from 'node:path';
import type { Root } from '../root/root.ts';
import type { Places } from './places.ts';

/** The directory of a deployment on disk. */
export interface Checkout {
  readonly stateroot: string;
  /** `checksum.serial`. */
  readonly id: string;
}

/** The path of a checkout inside the sysroot. */
export function directoryOf({ stateroot, id }: Checkout): string {
  return `/ostree/deploy/${stateroot}/deploy/${id}`;
}

export function pathOf({ sysroot }: Places, checkout: Checkout): string {
  return join(sysroot, directoryOf(checkout));
}

export function everyCheckout(sysroot: Root): readonly Checkout[] {
  const stateroots = sysroot.list('/ostree/deploy') ?? [];
  return stateroots
    .filter(({ kind }) => kind === 'directory')
    .flatMap(({ name: stateroot }) =>
      (sysroot.list(`/ostree/deploy/${stateroot}/deploy`) ?? [])
        .filter(({ name, kind }) => kind === 'directory' && isId(name))
        .map(({ name: id }) => ({ stateroot, id })),
    );
}

export function isId(name: string): boolean {
  return /^[0-9a-f]{64}\.\d{1,9}$/.test(name);
}
