import type { Puller } from '../../fetch/pull-failure.ts';
import { failed } from '../api/failure.ts';

/** podman, as a puller. */
export const puller: Puller = {
  program: 'podman',
  trust: (registry) =>
    `add the CA to the certificates of the system or to certs.d/${registry}, or set insecure = true in registries.conf`,
  plain: () => 'set insecure = true for it in registries.conf',
  login: (registry) => `log in with \`podman login ${registry}\``,
  failed,
};
