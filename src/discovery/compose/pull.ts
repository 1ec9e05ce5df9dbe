import { parsePlatform } from '../../image/platform.ts';
import type { Fault } from '../problem.ts';
import type { PullOptions } from '../reference.ts';

export interface ComposePull {
  readonly options: PullOptions;
  readonly faults: readonly Fault[];
}

/** Reads `pull_policy` and `platform` of a service (Compose specification, 05-services). */
export function composePull(policy: string | undefined, platform: string | undefined): ComposePull {
  const faults: Fault[] = [];
  const asks = policy !== undefined && /^(always|refresh|daily|weekly|every_\w+)$/.test(policy);
  if (asks) faults.push(pullAlways(policy));
  else if (!['never', 'missing', 'if_not_present', 'build', undefined].includes(policy)) {
    faults.push(
      invalid('pull_policy', 'always, never, missing, build, daily, weekly or every_TIME'),
    );
  }
  const parsed = platform === undefined ? undefined : parsePlatform(withSystem(platform));
  if (platform !== undefined && parsed === undefined) {
    faults.push(invalid('platform', 'OS, ARCHITECTURE or OS/ARCHITECTURE/VARIANT'));
  }
  return {
    options: {
      policy: asks ? 'always' : policy === 'never' ? 'never' : 'missing',
      ...(parsed === undefined ? {} : { os: parsed.os, arch: parsed.architecture }),
      ...(parsed?.variant === undefined ? {} : { variant: parsed.variant }),
    },
    faults,
  };
}

/** Completes an architecture alone to a platform of Linux. */
function withSystem(platform: string): string {
  return platform.includes('/') ? platform : `linux/${platform}`;
}

function pullAlways(policy: string): Fault {
  return {
    code: 'pull-always',
    message: `expected a service that starts offline, found pull_policy: ${policy}`,
    hint: 'set pull_policy: missing',
  };
}

function invalid(key: string, expected: string): Fault {
  return {
    code: 'invalid-option',
    message: `expected ${expected} in ${key}, found something else`,
    hint: `correct ${key}`,
  };
}
