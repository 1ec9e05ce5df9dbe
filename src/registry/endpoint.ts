import { fullName, parseName, repositoryOf } from '../image/name.ts';
import type { Access } from './access.ts';
import { RegistryError } from './errors.ts';
import type { RegistriesConf } from './registries-conf.ts';
import type { RegistryRule } from './registries-toml.ts';

/** A registry and repository from which an image may be fetched; the image's name may have others. */
export interface Endpoint {
  /** The registry's name in registries.conf, certs.d and auth files: `docker.io`. */
  readonly registry: string;
  /** `host[:port]` to connect to: `registry-1.docker.io`. */
  readonly host: string;
  /** The repository without the registry. */
  readonly repository: string;
  /** The tag or digest. */
  readonly reference: string;
  /** Whether certificates go unchecked and plain HTTP is allowed. */
  readonly insecure: boolean;
  /** Whether the running system's own registries.conf has `insecure`, whatever the unit says. */
  readonly isInsecureByHost: boolean;
  /** Whether registries.conf leads to another registry than the one in the name. */
  readonly isElsewhere: boolean;
  /** Whether registries.conf calls it a mirror. */
  readonly isMirror: boolean;
  /** The prefix whose rule in registries.conf has `blocked`: nothing may be asked of this endpoint. */
  readonly blockedBy?: string;
}

/**
 * The endpoints to ask for a name. The rule in registries.conf with the longest prefix of the name's
 * repository counts: first its mirrors (those for digests, or those for tags), then its location.
 *
 * `blocked` applies to one endpoint, as in containers/image: with mirrors, `blocked = true` means that only
 * the mirrors are asked.
 *
 * @throws {RegistryError} `registry-config` if a rule turns the name into an invalid one.
 */
export function endpointsOf(
  name: string,
  conf: RegistriesConf,
  access: Access,
): readonly Endpoint[] {
  const rule = findRule(name, conf);
  const own = parseName(name);
  const endpoints = [
    ...(rule?.mirrors ?? []).filter(
      ({ use }) => use === 'all' || (use === 'digest-only') === (own.digest !== undefined),
    ),
    { location: rule?.location ?? '', insecure: rule?.insecure ?? false },
  ];
  return endpoints.map(({ location, insecure }, i) => {
    const moved = rule === undefined ? name : rewritten(name, rule, location);
    const { registry, repository, tag, digest } = parseName(moved);
    const there = findRule(moved, conf);
    return {
      registry,
      host: registry === 'docker.io' ? 'registry-1.docker.io' : registry,
      repository,
      reference: digest ?? tag ?? 'latest',
      insecure: access.tlsVerify === undefined ? insecure : !access.tlsVerify,
      isInsecureByHost: insecure,
      isElsewhere: registry !== own.registry,
      isMirror: i < endpoints.length - 1,
      ...(there?.blocked === true ? { blockedBy: there.prefix } : {}),
    };
  });
}

/**
 * If two matching prefixes have the same length, the first in byte order counts: `*` comes before letters.
 */
function findRule(name: string, { rules }: RegistriesConf): RegistryRule | undefined {
  const repository = repositoryOf(name);
  return rules
    .filter(({ prefix }) => matchLength(repository, prefix) > 0)
    .sort((a, b) => b.prefix.length - a.prefix.length || (a.prefix < b.prefix ? -1 : 1))[0];
}

/**
 * The number of the name's characters that a prefix matches; 0 if the name does not begin with the prefix.
 */
function matchLength(name: string, prefix: string): number {
  const isWildcard = prefix.startsWith('*.');
  const at = isWildcard ? name.indexOf(prefix.slice(1)) : 0;
  if (at < 0 || name.slice(0, at).includes('/')) return 0;
  const end = isWildcard ? at + prefix.length - 1 : prefix.length;
  if (!isWildcard && !name.startsWith(prefix)) return 0;
  return end === name.length || /[:/@]/.test(name.charAt(end)) ? end : 0;
}

function rewritten(name: string, { prefix }: RegistryRule, location: string): string {
  if (location === '') return name;
  const moved = location + name.slice(matchLength(name, prefix));
  const result = fullName(moved, { searchRegistries: [], aliases: {} });
  if (result.ok && result.name === moved) return moved;
  throw new RegistryError(
    'registry-config',
    `registries.conf leads from ${name} to ${moved}, which is not a full image name`,
    { hint: `correct the locations for the prefix ${prefix} in the host’s registries.conf` },
  );
}
