import type { Puller } from '../../fetch/pull-failure.ts';

/** containerd, as a puller. It has no credentials but those that berth gives. */
export const puller: Puller = {
  program: 'containerd',
  trust: (registry) =>
    `add the CA to the certificates of the system, or name it in ${hostsOf(registry)}`,
  plain: (registry) => `say so in ${hostsOf(registry)}`,
  login: (registry) => `log in with \`podman login ${registry}\``,
};

function hostsOf(registry: string): string {
  return `/etc/containerd/certs.d/${registry}/hosts.toml`;
}
