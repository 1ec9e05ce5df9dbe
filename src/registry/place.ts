import { parseName } from '../image/name.ts';
import type { Access } from './access.ts';
import type { RegistriesConf } from './registries-conf.ts';
import type { RegistryRule } from './registries-toml.ts';
import { RegistryError } from './registry.ts';

/** Where an image is fetched from, which need not be where its name says. */
export interface Place {
  /** As registries.conf and auth files call it: `docker.io`. */
  readonly registry: string;
  /** `host[:port]` to connect to: `registry-1.docker.io`. */
  readonly host: string;
  /** Without the registry. */
  readonly repository: string;
  /** The tag or digest. */
  readonly reference: string;
  /** Certificates are not checked, and plain HTTP is allowed. */
  readonly insecure: boolean;
  /** Whether registries.conf leads to a registry other than the name's own. */
  readonly isElsewhere: boolean;
}

/**
 * Applies the rule of registries.conf with the longest prefix that the name begins with.
 *
 * @throws {RegistryError} `blocked`, or `registry-config` if a rule makes an impossible name.
 */
export function placeOf(name: string, conf: RegistriesConf, access: Access): Place {
  const rule = longest(name, conf.rules);
  if (rule?.blocked === true) {
    throw new RegistryError('blocked', `${name} is blocked by registries.conf (${rule.prefix})`, {
      hint: 'choose another image, or take blocked = true out of the host’s registries.conf',
    });
  }
  const parts = parseName(name);
  const { registry, repository, tag, digest } = rewritten(name, rule);
  return {
    registry,
    host: registry === 'docker.io' ? 'registry-1.docker.io' : registry,
    repository,
    reference: digest ?? tag ?? 'latest',
    insecure: access.tlsVerify === undefined ? (rule?.insecure ?? false) : !access.tlsVerify,
    isElsewhere: registry !== parts.registry,
  };
}

function longest(name: string, rules: readonly RegistryRule[]): RegistryRule | undefined {
  return rules
    .filter(({ prefix }) => matchLength(name, prefix) > 0)
    .sort((a, b) => b.prefix.length - a.prefix.length)[0];
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

function rewritten(name: string, rule: RegistryRule | undefined) {
  if (rule === undefined || rule.location === '') return parseName(name);
  const moved = rule.location + name.slice(matchLength(name, rule.prefix));
  try {
    return parseName(moved);
  } catch (cause) {
    throw new RegistryError(
      'registry-config',
      `registries.conf leads from ${name} to ${moved}, which is no image name`,
      {
        hint: `mend the location of the prefix ${rule.prefix} in the host’s registries.conf`,
        cause,
      },
    );
  }
}
