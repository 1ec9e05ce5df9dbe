import { Secret } from '../../common/secret.ts';
import type { Root } from '../../root/root.ts';
import { type Etc, whereInTree } from '../../systemd/etc.ts';
import { flag, scalar } from '../../systemd/lookup.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import type { ContainersConf, Setting } from '../containers-conf.ts';
import type { Expander } from '../expander.ts';
import type { Fault, Problem } from '../problem.ts';
import { pullPolicyOf } from '../pull-policies.ts';
import type { PullOptions, PullPolicy } from '../reference.ts';
import { confOf } from './conf-of.ts';
import { problemOfUnit, type QuadletUnit, sectionOf, serviceOf, type UnitType } from './unit.ts';

export interface Pull {
  readonly options: PullOptions;
  readonly problems: readonly Problem[];
}

export interface PullContext {
  readonly root: Root;
  readonly etc: Etc;
  readonly expander: Expander;
  /** The additional image stores that the root's storage.conf names. */
  readonly additionalStores?: readonly string[];
  /** The root's containers.conf. */
  readonly containersConf?: ContainersConf | undefined;
}

/** The pull options of a `.image` or `.artifact` unit, which pulls at every start by default. */
export function imagePull(unit: QuadletUnit, context: PullContext): Pull {
  const reading = reader(unit, context);
  const { text, problems } = reading;
  const section = sectionOf[unit.type];
  const options: Writable<PullOptions> = { policy: policyOf(text('Policy'), 'always') };
  const authFile = text('AuthFile');
  if (authFile !== undefined) options.authFile = absolute(authFile, context.etc);
  const creds = text('Creds');
  if (creds !== undefined) options.creds = new Secret(creds);
  const tlsVerify = flag(unit.entries, section, 'TLSVerify');
  if (tlsVerify !== undefined) options.tlsVerify = tlsVerify;
  const arch = text('Arch');
  if (arch !== undefined) options.arch = arch;
  const os = text('OS');
  if (os !== undefined) options.os = os;
  const variant = text('Variant');
  if (variant !== undefined) options.variant = variant;
  readRetries(options, reading);
  for (const key of ['CertDir', 'DecryptionKey']) {
    const entry = scalar(unit.entries, section, key);
    if (entry !== undefined && entry.value !== '') {
      problems.push(problemOfUnit(unit, entry, unsupported(`${key}=`)));
    }
  }
  if (flag(unit.entries, section, 'AllTags') === true) {
    const entry = scalar(unit.entries, section, 'AllTags');
    problems.push(problemOfUnit(unit, entry, unsupported('AllTags=true')));
  }
  if (options.policy === 'always' && !asksBerth(unit)) {
    const entry = scalar(unit.entries, section, 'Policy') ?? scalar(unit.entries, section, section);
    problems.push(problemOfUnit(unit, entry, pullsAlways(unit.type)));
  }
  return { options, problems };
}

/**
 * Whether the unit asks berth before each pull: an image that is recorded and present is not pulled
 * then.
 */
function asksBerth(unit: QuadletUnit): boolean {
  return serviceOf(unit).entries.some(
    ({ group, key, value }) =>
      group === 'Service' && key === 'ExecCondition' && pullNeeded.test(value),
  );
}

/** The condition in berth's drop-ins for `.image` and `.artifact` units. */
const pullNeeded = /^\/\S*\/berth activate --pull-needed %n$/;

/**
 * The pull options of a unit that uses an image, over those of the `.image` unit that it refers to.
 */
export function containerPull(
  unit: QuadletUnit,
  context: PullContext,
  inherited: PullOptions | undefined,
): Pull {
  const reading = reader(unit, context);
  const configured = unit.type === 'container' ? confOf(unit, context).pullPolicy : undefined;
  const policy = policyOf(reading.text('Pull'), configured?.policy ?? 'missing');
  const options: Writable<PullOptions> = { ...inherited, policy };
  readRetries(options, reading);
  const problems = reading.problems;
  if (policy === 'always') {
    const key = scalar(unit.entries, sectionOf[unit.type], 'Pull');
    const entry = key ?? settingEntry('pull_policy', configured);
    problems.push(problemOfUnit(unit, entry, pullAlwaysContainer));
  }
  return { options, problems };
}

/** A setting of containers.conf as an entry of the unit that it concerns. */
export function settingEntry(key: string, setting: Setting | undefined): UnitEntry | undefined {
  return setting && { group: 'Engine', key, ...setting };
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function readRetries(options: Writable<PullOptions>, { text, number }: Reading): void {
  const retry = number('Retry');
  if (retry !== undefined) options.retry = retry;
  const retryDelay = text('RetryDelay');
  if (retryDelay !== undefined) options.retryDelay = retryDelay;
}

interface Reading {
  /** The value of a key; undefined if it is missing, empty or, with a problem, invalid. */
  readonly text: (key: string) => string | undefined;
  readonly number: (key: string) => number | undefined;
  /** The problems with the keys read so far. */
  readonly problems: Problem[];
}

/** Reads keys that become words of podman's command line, and collects the problems. */
function reader(unit: QuadletUnit, { expander }: PullContext): Reading {
  const section = sectionOf[unit.type];
  const problems: Problem[] = [];
  const text = (key: string): string | undefined => {
    const entry = scalar(unit.entries, section, key);
    if (entry === undefined || entry.value === '') return undefined;
    const expanded = expander.expand(serviceOf(unit), entry.value);
    if (!expanded.ok) {
      problems.push(problemOfUnit(unit, entry, expanded.fault));
      return undefined;
    }
    const accepted = expanded.words.length === 1 ? expanded.words[0] : undefined;
    const isPolicy = key === 'Policy' || key === 'Pull';
    if (accepted !== undefined && !(isPolicy && pullPolicyOf(accepted) === undefined))
      return accepted;
    problems.push(
      problemOfUnit(unit, entry, invalid(key, isPolicy ? policyWords : 'a single word')),
    );
    return undefined;
  };
  const number = (key: string): number | undefined => {
    const value = text(key);
    if (value === undefined) return undefined;
    if (/^[0-9]{1,9}$/.test(value)) return Number(value);
    const entry = scalar(unit.entries, section, key);
    problems.push(problemOfUnit(unit, entry, invalid(key, 'a whole number')));
    return undefined;
  };
  return { text, number, problems };
}

const policyWords = 'always, missing, never or newer';

function policyOf(value: string | undefined, byDefault: PullPolicy): PullPolicy {
  return (value === undefined ? undefined : pullPolicyOf(value)) ?? byDefault;
}

/**
 * The path in the tree of a file; relative to `/`, where a service without WorkingDirectory= runs.
 */
function absolute(path: string, etc: Etc): string {
  return whereInTree(etc, path.startsWith('/') ? path : `/${path}`);
}

function unsupported(option: string): Fault {
  return {
    code: 'unsupported-option',
    message: `expected options that an engine's API takes, found ${option}`,
    hint: `remove ${option}; certificates of registries belong in /etc/containers/certs.d`,
  };
}

function invalid(key: string, expected: string): Fault {
  return {
    code: 'invalid-option',
    message: `expected ${expected} in ${key}=, found something else; podman fails with it`,
    hint: `correct ${key}=`,
  };
}

function pullsAlways(type: UnitType): Fault {
  const what = type === 'artifact' ? 'artifact' : 'image';
  return {
    code: 'pull-always',
    message: `expected a unit that starts offline, found one that pulls at every start although the ${what} is present`,
    hint: `ship the drop-in ${what}.d/10-berth.conf that comes with berth (podman 5.2 and later), or name the ${what} in the container itself`,
  };
}

const pullAlwaysContainer: Fault = {
  code: 'pull-always',
  message: 'expected a unit that starts offline, found Pull=always',
  hint: 'set Pull=missing or Pull=newer',
};
