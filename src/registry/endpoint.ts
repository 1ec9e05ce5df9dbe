import { fullName, parseName, repositoryOf } from '../image/name.ts';
import type { Access } from './access.ts';
import { RegistryError } from './errors.ts';
import type { RegistriesConf } from './registries-conf.ts';
import type { RegistryRule } from './registries-toml.ts';

/** A registry and repository from which an image may be fetched; its name may say others. */
export interface Endpoint {
  /** The registry's name in registries.conf, certs.d and auth files: `docker.io`. */
  readonly registry: string;
  /** `host[:port]` to connect to: `registry-1.docker.io`. */
  readonly host: string;
  /** Without the registry. */
  readonly repository: string;
  /** The tag or digest. */
  readonly reference: string;
  /** Whether certificates go unchecked and plain HTTP is allowed. */
  readonly insecure: boolean;
  /** Whether the running system's own registries.conf says `insecure`, whatever the unit says. */
  readonly isInsecureByHost: boolean;
  /** Whether registries.conf leads to a registry other than the name's own. */
  readonly isElsewhere: boolean;
  /** The prefix for which registries.conf says `blocked`: nothing may be asked of this endpoint. */
  readonly blockedBy?: string;
}

/**
 * The endpoints to ask for a name. Of the rules in registries.conf whose prefix the name's repository
 * begins with, the one with the longest prefix counts: its mirrors (those for digests, or those for
 * tags), then its location.
 *
 * `blocked` is said of an endpoint, as in containers/image: with mirrors, `blocked = true` means
 * that only the mirrors are asked.
 *
 * @throws {RegistryError} `registry-config` if a rule makes an impossible name of it.
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
  return endpoints.map(({ location, insecure }) => {
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
      ...(there?.blocked === true ? { blockedBy: there.prefix } : {}),
    };
  });
}

/** Of two matching prefixes of one length the first in the order of bytes: `*` comes before letters. */
function findRule(name: string, { rules }: RegistriesConf): RegistryRule | undefined {
  const repository = repositoryOf(name);
  return rules
    .filter(({ prefix }) => matchLength(repository, prefix) > 0)
    .sort((a, b) => b.prefix.length - a.prefix.length || (a.prefix < b.prefix ? -1 : 1))[0];
}

/** How many characters of the name a prefix stands for; 0 if the name does not begin with it. */
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
    `registries.conf leads from ${name} to ${moved}, which is no full image name`,
    { hint: `mend the locations for the prefix ${prefix} in the host’s registries.conf` },
  );
}
