import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostConfigKey } from '../../common/config-keys.ts';
import { type EngineId, isEngineId } from '../../common/engine-id.ts';
import { systemErrorCode } from '../../common/errors.ts';
import { isRootId } from '../../common/roots.ts';
import { linesOfKeys } from '../../common/toml-line.ts';
import type { ActiveSource, DirectoriesConfig } from '../../deployment/directories.ts';
import type { GateOptions } from '../../lifecycle/boot/gate.ts';
import { parseQuietHours, type QuietHours } from '../../lifecycle/quiet-hours.ts';
import { parseReserve, type Reserve } from '../../lifecycle/reserve.ts';
import type { OnForce } from '../../lifecycle/watch/watch-parts.ts';
import type { RegistrySettings } from '../../registry/limits.ts';
import { idOfLocation, isManual } from '../../state/root-id.ts';
import { HostError } from '../errors.ts';
import { RATE, rateOf, registriesOf } from './registries.ts';

/** The host's configuration of berth, merged from all its files. */
export interface Config {
  readonly engine?: EngineId;
  readonly stateDirectory?: string;
  /** The paths of Compose files: absolute paths in a root, `*` for a part of a component. */
  readonly compose: readonly string[];
  /** Roots that neither bootc nor ostree manages. */
  readonly directories?: DirectoriesConfig;
  /** The number of days for which the pins of a root that was staged and never finalised are kept. */
  readonly heldDays: number;
  /** How long a queued root that lacks images is held back, and what happens afterwards. */
  readonly gate: GateOptions;
  /** How much of each file system staging leaves free. */
  readonly reserve?: Reserve;
  /** What `berth watch` does when somebody removes something of a root. */
  readonly onForce: OnForce;
  /** The hours in which `reconcile` fetches nothing. */
  readonly quietHours?: QuietHours;
  /** The most bytes a second that are downloaded. */
  readonly limitRate?: number;
  /** The limits of single registries. */
  readonly registries?: ReadonlyMap<string, RegistrySettings>;
}

/**
 * Reads berth.toml and berth.toml.d/*.toml of each directory. A later file overrides the keys of an earlier
 * one.
 *
 * @param directories from the weakest to the strongest.
 * @param only a file to read instead of all of these.
 * @throws {HostError} `config` for a file that can't be read or has an unknown key.
 */
export async function readConfig(
  directories: readonly string[],
  only: string | undefined,
): Promise<Config> {
  const files = only === undefined ? directories.flatMap(filesOf) : [only];
  let config: Config = {
    compose: [],
    heldDays: 7,
    gate: { days: 7, afterwards: 'boot' },
    onForce: 'heal',
  };
  for (const file of files) {
    const text = read(file);
    if (text === undefined) {
      if (only === undefined) continue;
      throw bad(file, undefined, 'it is not there', 'name a file that exists');
    }
    config = over(config, await parse(file, text));
  }
  return config;
}

/** A later file overrides single keys, and of `registries` single registries. */
function over(earlier: Config, later: Partial<Config>): Config {
  const registries = [...(earlier.registries ?? []), ...(later.registries ?? [])];
  const merged = later.registries === undefined ? {} : { registries: new Map(registries) };
  return { ...earlier, ...later, ...merged };
}

function filesOf(directory: string): string[] {
  const fragments = join(directory, 'berth.toml.d');
  let names: string[] = [];
  try {
    names = readdirSync(fragments).filter((name) => name.endsWith('.toml'));
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) {
      throw bad(fragments, undefined, String(error), 'make it readable, or use --config FILE');
    }
  }
  return [join(directory, 'berth.toml'), ...names.sort().map((name) => join(fragments, name))];
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw bad(file, undefined, String(error), 'make it readable');
  }
}

async function parse(file: string, text: string): Promise<Partial<Config>> {
  const { parse: parseToml, TomlError } = await import('smol-toml');
  let table: Record<string, unknown>;
  try {
    table = parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [first = 'it is not TOML'] = error.message.split('\n');
    throw bad(file, error.line, first, 'correct it');
  }
  let config: Partial<Config> = {};
  const lineOf = linesOfKeys(text);
  for (const [key, value] of Object.entries(table)) {
    const line = lineOf(key);
    if (!isKey(key)) {
      const known = Object.keys(keys).sort();
      const list = `${known.slice(0, -1).join(', ')} and ${known.at(-1)}`;
      throw bad(file, line, `the key ${key} is not known`, `known keys are ${list}`);
    }
    const found = keys[key](value);
    if (typeof found === 'string') {
      throw bad(file, line, `${key} is ${JSON.stringify(value)}`, `expected ${found}`);
    }
    config = { ...config, ...found };
  }
  return config;
}

/** A reader for each key of the file. It returns settings, or a description of the expected value. */
const keys: Readonly<Record<HostConfigKey | 'bind', (value: unknown) => Partial<Config> | string>> =
  {
    // A root's berth.toml holds its policy too, which is judged when the root is read.
    bind: () => ({}),
    engine: (value) =>
      isEngineId(value) ? { engine: value } : 'the id of an engine, such as "podman" or "store"',
    'state-dir': (value) =>
      typeof value === 'string' && value.startsWith('/')
        ? { stateDirectory: value }
        : 'an absolute path',
    compose: (value) => (isPlaces(value) ? { compose: value } : 'absolute paths'),
    directories: (value) => directoriesOf(value),
    'held-days': (value) =>
      typeof value === 'number' && Number.isFinite(value) && value >= 0
        ? { heldDays: value }
        : 'a number of days',
    gate: (value) => gateOf(value),
    reserve: (value) => {
      const reserve = typeof value === 'string' ? parseReserve(value) : undefined;
      return reserve === undefined
        ? 'a size as "500MB" or "2GiB", or a share as "5%"'
        : { reserve };
    },
    'on-force': (value) =>
      value === 'heal' || value === 'respect' ? { onForce: value } : '"heal" or "respect"',
    'quiet-hours': (value) => {
      const quietHours = typeof value === 'string' ? parseQuietHours(value) : undefined;
      return quietHours === undefined ? 'local time as "08:00-18:00"' : { quietHours };
    },
    'limit-rate': (value) => {
      const limitRate = rateOf(value);
      return limitRate === undefined ? RATE : { limitRate };
    },
    registries: (value) => {
      const registries = registriesOf(value);
      return typeof registries === 'string' ? registries : { registries };
    },
  };

function isKey(text: string): text is keyof typeof keys {
  return Object.hasOwn(keys, text);
}

function isPlaces(value: unknown): value is string[] {
  return (
    Array.isArray(value) &&
    value.every((place) => typeof place === 'string' && place.startsWith('/'))
  );
}

/** The settings of `[directories]`, or a description of the expected value. */
function directoriesOf(value: unknown): Partial<Config> | string {
  const { roots, active, ...rest } = tableOf(value);
  const [other] = Object.keys(rest);
  if (other !== undefined) return `only roots and active, not ${other}`;
  if (!Array.isArray(roots)) {
    return 'roots = [{ path = "/…", id = "…" }, …] and active';
  }
  const read = roots.map((root) => rootOf(root));
  const known = read.filter((root) => root !== undefined);
  if (known.length < read.length) {
    return 'each of roots to be { path = "/…" }, with an id of letters, digits and . _ @ + - if it has one';
  }
  if (new Set(known.map(({ id }) => id)).size < known.length)
    return 'each of roots to have another id';
  const source = activeOf(active);
  if (source === undefined) {
    return 'active = { file = "/…" }, or { command = ["/…", …] }, which names the active root';
  }
  return { directories: { roots: known, active: source } };
}

/** The settings of `[gate]`, or a description of the expected value. */
function gateOf(value: unknown): Partial<Config> | string {
  const { days = 7, afterwards = 'boot', ...rest } = tableOf(value);
  const isDays = typeof days === 'number' && Number.isFinite(days) && days >= 0;
  if (!isDays || (afterwards !== 'boot' && afterwards !== 'hold') || Object.keys(rest).length > 0) {
    return 'days, a number, and afterwards, "boot" or "hold", alone';
  }
  return { gate: { days, afterwards } };
}

function rootOf(value: unknown): { path: string; id: string } | undefined {
  const { path, id, ...rest } = tableOf(value);
  if (typeof path !== 'string' || !path.startsWith('/') || Object.keys(rest).length > 0) {
    return undefined;
  }
  if (id === undefined) return { path, id: idOfLocation(path) };
  return typeof id === 'string' && isRootId(id) && !isManual(id) ? { path, id } : undefined;
}

function activeOf(value: unknown): ActiveSource | undefined {
  const { file, command, ...rest } = tableOf(value);
  if (Object.keys(rest).length > 0) return undefined;
  if (command === undefined) {
    return typeof file === 'string' && file.startsWith('/') ? { file } : undefined;
  }
  const isCommand =
    Array.isArray(command) && command.every((word): word is string => typeof word === 'string');
  return file === undefined && isCommand && command[0]?.startsWith('/') === true
    ? { command }
    : undefined;
}

function tableOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : {};
}

function bad(file: string, line: number | undefined, what: string, hint: string): HostError {
  const place = line === undefined ? file : `${file}:${line}`;
  return new HostError('config', `${place}: ${what}`, hint);
}
