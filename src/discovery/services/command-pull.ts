import { posix } from 'node:path';
import { Secret } from '../../common/secret.ts';
import { type Etc, whereInTree } from '../../systemd/etc.ts';
import type { Fault } from '../problem.ts';
import { pullPolicyOf } from '../pull-policies.ts';
import type { PullOptions, PullPolicy } from '../reference.ts';
import type { ContainerCommand } from './read-command.ts';

/** The pull options of a command, and the faults in them. */
export interface CommandPull {
  readonly options: PullOptions;
  readonly faults: readonly Fault[];
}

interface CommandContext {
  readonly etc: Etc;
  /** Whether the service goes on when the command fails. */
  readonly ignoresFailure: boolean;
  /** The directory for relative paths. */
  readonly directory: string;
  /** The policy of containers.conf for commands that run containers. */
  readonly byDefault?: PullPolicy | undefined;
}

/** Reads the pull options of a command. */
export function commandPull(
  { kind, options: all }: Pick<ContainerCommand, 'kind' | 'options'>,
  { etc, ignoresFailure, directory, byDefault = 'missing' }: CommandContext,
): CommandPull {
  const faults: Fault[] = [];
  // skopeo writes for which side of a copy an option counts: `--src-creds`, `--override-arch`.
  const given = all.map((option) => ({
    ...option,
    name: option.name.replace(/^(?:src|override)-/, ''),
  }));
  const options: { -readonly [K in keyof PullOptions]: PullOptions[K] } = {
    policy: pulling.has(kind) ? 'always' : kind === 'use' ? 'never' : byDefault,
  };
  for (const { name, value } of given) {
    if (value?.fault !== undefined && understood.has(name)) {
      faults.push(value.fault);
      continue;
    }
    const text = value?.text ?? '';
    // `podman build --pull` without a value is the default.
    if (name === 'pull' && value === undefined) continue;
    if (name === 'pull' || name === 'policy') {
      const policy = pullPolicyOf(text);
      if (policy === undefined) faults.push(invalid(name));
      else options.policy = policy;
    } else if (name === 'authfile') {
      options.authFile = whereInTree(etc, posix.resolve('/', directory, text));
    } else if (name === 'creds') options.creds = new Secret(text);
    else if (name === 'tls-verify') options.tlsVerify = !/^(?:false|f|0)$/i.test(text);
    else if (name === 'arch' || name === 'os' || name === 'variant') options[name] = text;
    else if (name === 'platform') {
      const parts = text.split('/');
      const [os, arch, variant] = parts.length === 1 ? [undefined, parts[0]] : parts;
      if (os !== undefined) options.os = os;
      if (arch !== undefined && arch !== '') options.arch = arch;
      if (variant !== undefined) options.variant = variant;
    } else if (name === 'retry') {
      if (/^[0-9]{1,9}$/.test(text)) options.retry = Number(text);
      else faults.push(invalid(name));
    } else if (name === 'retry-delay') options.retryDelay = text;
    else if (unsupported.has(name)) faults.push(notTaken(name));
  }
  if (options.policy === 'always' && !ignoresFailure) {
    faults.push(pullAlways(pulling.has(kind)));
  }
  return { options, faults };
}

/** The kinds of commands that ask a registry at every start. */
const pulling: ReadonlySet<ContainerCommand['kind']> = new Set(['pull', 'copy', 'artifact']);

const unsupported: ReadonlySet<string> = new Set([
  'all-platforms',
  'all-tags',
  'cert-dir',
  'decryption-key',
]);

const understood: ReadonlySet<string> = new Set([
  'arch',
  'authfile',
  'creds',
  'os',
  'platform',
  'policy',
  'pull',
  'retry',
  'retry-delay',
  'tls-verify',
  'variant',
]);

function invalid(name: string): Fault {
  return {
    code: 'invalid-option',
    message: `expected a value that the command takes in --${name}, found something else`,
    hint: `correct --${name}`,
  };
}

function notTaken(name: string): Fault {
  return {
    code: 'unsupported-option',
    message: `expected options that an engine's API takes, found --${name}`,
    hint: `remove --${name}; certificates of registries belong in /etc/containers/certs.d`,
  };
}

function pullAlways(isPull: boolean): Fault {
  return {
    code: 'pull-always',
    message: `expected a command that works offline, found ${
      isPull ? 'a pull, without which the service does not start' : '--pull=always'
    }`,
    hint: isPull
      ? 'remove the pull, or put the prefix `-` before the command so that the unit goes on without it'
      : 'set --pull=missing',
  };
}
