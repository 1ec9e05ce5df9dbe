/**
 * The top-level keys of a berth.toml that the host decides by while the file is the host's own. In a root that is
 * read, `bind` alone counts: a root is not trusted.
 */
export const hostConfigKeys = [
  'engine',
  'state-dir',
  'compose',
  'directories',
  'held-days',
  'gate',
  'reserve',
  'on-force',
  'quiet-hours',
  'limit-rate',
  'registries',
] as const;

export type HostConfigKey = (typeof hostConfigKeys)[number];
