import type { Puller } from './pull-failure.ts';

/** A program that reaches registries by the library containers/image and registries.conf: podman, CRI-O. */
export function byContainersImage(program: string): Puller {
  return {
    program,
    trust: (registry) =>
      `add the CA to the certificates of the system or to certs.d/${registry}, or set insecure = true in registries.conf`,
    plain: () => 'set insecure = true for it in registries.conf',
    login: (registry) => `log in with \`podman login ${registry}\``,
  };
}
