import { parseSize } from '../../common/parse-size.ts';
import type { RegistrySettings } from '../../registry/limits.ts';

/**
 * The settings of `[registries]`, by registry.
 *
 * @returns a description of the expected value if it is another one.
 */
export function registriesOf(value: unknown): ReadonlyMap<string, RegistrySettings> | string {
  if (!isTable(value)) return 'a table for each registry, such as [registries."quay.io"]';
  const registries = new Map<string, RegistrySettings>();
  for (const [name, table] of Object.entries(value)) {
    if (!/^(\[[0-9a-f:.]+\]|[A-Za-z0-9][A-Za-z0-9.-]*)(:\d{1,5})?$/i.test(name)) {
      return `a registry as in names of images, such as "quay.io" or "registry.example:5000", not ${JSON.stringify(name)}`;
    }
    const settings = isTable(table) ? settingsOf(table) : `a table for ${name}`;
    if (typeof settings === 'string') return settings;
    // Docker Hub has several names, of which names of images have one.
    registries.set(DOCKER_HUB.includes(name) ? 'docker.io' : name, settings);
  }
  return registries;
}

const DOCKER_HUB = ['index.docker.io', 'registry-1.docker.io'];

function settingsOf(table: Readonly<Record<string, unknown>>): RegistrySettings | string {
  let settings: RegistrySettings = {};
  for (const [key, value] of Object.entries(table)) {
    const read = Object.hasOwn(keys, key) ? keys[key] : undefined;
    const found =
      read?.(value) ?? `only patience, limit-rate and at-a-time, not ${JSON.stringify(key)}`;
    if (typeof found === 'string') return found;
    settings = { ...settings, ...found };
  }
  return settings;
}

const keys: Readonly<Record<string, (value: unknown) => RegistrySettings | string>> = {
  patience: (value) => {
    const patience = typeof value === 'string' ? parseDuration(value) : undefined;
    return patience === undefined
      ? 'patience as "90s", "15min" or "2h", a day at most'
      : { patience };
  },
  'limit-rate': (value) => {
    const limitRate = rateOf(value);
    return limitRate === undefined ? `limit-rate as ${RATE}` : { limitRate };
  },
  'at-a-time': (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 1000
      ? { atATime: value }
      : 'at-a-time as a number from 1 to 1000',
};

export const RATE = 'bytes a second: "500kB", "2MB" or "2MiB"';

/** A number of bytes a second; undefined for any other value. */
export function rateOf(value: unknown): number | undefined {
  const bytes = typeof value === 'string' ? parseSize(value) : undefined;
  return bytes === 0 ? undefined : bytes;
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, min: 60, h: 3600 };

/** In milliseconds: one day. A timer of Node's holds at most 24 days. */
const LONGEST = 24 * 60 * 60 * 1000;

/**
 * Parses a duration: `90s`, `15min` (or `15m`), `2h`.
 *
 * @returns milliseconds, or undefined if the text is no duration from one millisecond to one day.
 */
function parseDuration(text: string): number | undefined {
  const [, number = '', unit = ''] =
    /^(\d{1,9}(?:\.\d{1,3})?) ?(s|m|min|h)$/.exec(text.trim()) ?? [];
  const milliseconds = Math.round(Number(number) * (SECONDS[unit] ?? 0) * 1000);
  return milliseconds > 0 && milliseconds <= LONGEST ? milliseconds : undefined;
}
