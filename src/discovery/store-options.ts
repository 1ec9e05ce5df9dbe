import type { Fault } from './fault.ts';

/**
 * The additional image stores that a `--storage-opt` names.
 *
 * Source: containers-storage.conf(5), containers/storage drivers/overlay (`additionalimagestore`,
 * a list with commas).
 *
 * @param value of the option: `additionalimagestore=/usr/lib/bootc/storage`.
 * @returns undefined for another option, or for what is no list of absolute paths.
 */
export function additionalStoresIn(value: string): readonly string[] | undefined {
  const list = /^(?:[a-z]+\.)?additionalimagestore=(.+)$/.exec(value)?.[1];
  const paths = list?.split(',');
  return paths?.every((path) => path.startsWith('/')) === true ? paths : undefined;
}

/** Options of podman that may lead to another store than the one that berth fills. */
export const storeOptions: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'imagestore',
  'module',
  'remote',
  'root',
  'storage-driver',
  'storage-opt',
  'url',
]);

export function otherStore(option: string): Fault {
  return {
    code: 'storage-differs',
    message: `expected images in podman's own store, found --${option}, which may lead to another`,
    hint: `take --${option} out, or leave the unit unbound; of --storage-opt additionalimagestore=/PATH is read`,
  };
}
