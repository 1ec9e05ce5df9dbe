import { posix } from 'node:path';
import { Secret } from '../../common/secret.ts';
import { type Etc, whereInTree } from '../../systemd/etc.ts';
import { mostFaults } from '../allowance.ts';
import type { Fault } from '../problem.ts';
import { pullPolicyOf } from '../pull-policies.ts';
import type { PullOptions, PullPolicy } from '../reference.ts';
import type { ContainerCommand } from './read-command.ts';
import type { Option } from './split-options.ts';

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
  { kind, options: given }: Pick<ContainerCommand, 'kind' | 'options'>,
  context: CommandContext,
): CommandPull {
  const faults: Fault[] = [];
  const options: PullOptions = { policy: defaultPolicy(kind, context) };
  for (const option of given) {
    const read = readOption(option, context);
    if (read.ok) Object.assign(options, read.options);
    else faults.push(read.fault);
  }
  if (options.policy === 'always' && !context.ignoresFailure) {
    faults.push(pullAlways(pulling.has(kind)));
  }
  return { options, faults: faults.slice(0, mostFaults) };
}

function defaultPolicy(
  kind: ContainerCommand['kind'],
  { byDefault = 'missing' }: CommandContext,
): PullPolicy {
  if (pulling.has(kind)) return 'always';
  return kind === 'use' ? 'never' : byDefault;
}

type ReadOption =
  | { readonly ok: true; readonly options: Partial<PullOptions> }
  | { readonly ok: false; readonly fault: Fault };

/** What one option says about the pull: nothing, if the option is about something else. */
function readOption({ name: full, value }: Option, context: CommandContext): ReadOption {
  // skopeo writes for which side of a copy an option counts: `--src-creds`, `--override-arch`.
  const name = full.replace(/^(?:src|override)-/, '');
  if (unsupported.has(name)) return { ok: false, fault: notTaken(name) };
  const reader = readers.get(name);
  // `podman build --pull` without a value is the default.
  const isDefault = name === 'pull' && value === undefined;
  if (reader === undefined || isDefault) return { ok: true, options: {} };
  if (value?.fault !== undefined) return { ok: false, fault: value.fault };
  const options = reader(value?.text ?? '', context);
  return options === undefined ? { ok: false, fault: invalid(name) } : { ok: true, options };
}

/** The pull options in the value of an option; undefined if the command does not take the value. */
type Reader = (text: string, context: CommandContext) => Partial<PullOptions> | undefined;

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['arch', (arch) => ({ arch })],
  ['authfile', (path, context) => ({ authFile: fileInTree(path, context) })],
  ['creds', (text) => ({ creds: new Secret(text) })],
  ['os', (os) => ({ os })],
  ['platform', platformIn],
  ['policy', policyIn],
  ['pull', policyIn],
  ['retry', (text) => (/^[0-9]{1,9}$/.test(text) ? { retry: Number(text) } : undefined)],
  ['retry-delay', (retryDelay) => ({ retryDelay })],
  ['tls-verify', (text) => ({ tlsVerify: !/^(?:false|f|0)$/i.test(text) })],
  ['variant', (variant) => ({ variant })],
]);

function fileInTree(path: string, { etc, directory }: CommandContext): string {
  return whereInTree(etc, posix.resolve('/', directory, path));
}

function policyIn(text: string): Partial<PullOptions> | undefined {
  const policy = pullPolicyOf(text);
  return policy && { policy };
}

/** The parts of `OS/ARCH/VARIANT`, `OS/ARCH` or `ARCH`. */
function platformIn(text: string): Partial<PullOptions> {
  const parts = text.split('/');
  const [os, arch, variant] = parts.length === 1 ? [undefined, text] : parts;
  return {
    ...(os === undefined ? {} : { os }),
    ...(arch === undefined || arch === '' ? {} : { arch }),
    ...(variant === undefined ? {} : { variant }),
  };
}

/** The kinds of commands that ask a registry at every start. */
const pulling: ReadonlySet<ContainerCommand['kind']> = new Set(['pull', 'copy', 'artifact']);

const unsupported: ReadonlySet<string> = new Set([
  'all-platforms',
  'all-tags',
  'cert-dir',
  'decryption-key',
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
