import type { Environment } from './interpolate.ts';
import type { YamlValue } from './yaml-value.ts';

/** The value of a key of a service, its file, and the directory for its relative paths. */
export interface Field {
  readonly value: YamlValue;
  readonly path: string;
  readonly directory: string;
}

/**
 * A service of a project. `fields` holds the values of each key from all files, the last on top.
 */
export interface Service {
  readonly name: string;
  readonly line: number;
  readonly path: string;
  readonly environment: Environment;
  readonly fields: ReadonlyMap<string, readonly Field[]>;
}

/** The keys of a service that say which images it needs. */
export const fieldsRead: ReadonlySet<string> = new Set([
  'build',
  'configs',
  'depends_on',
  'image',
  'ipc',
  'links',
  'network_mode',
  'networks',
  'pid',
  'platform',
  'post_start',
  'pre_start',
  'pre_stop',
  'profiles',
  'provider',
  'pull_policy',
  'secrets',
  'volumes',
  'volumes_from',
]);

/** The keys whose values in several files are merged; the last value of other keys counts. */
const keysMerged: ReadonlySet<string> = new Set([
  'build',
  'configs',
  'depends_on',
  'links',
  'networks',
  'post_start',
  'pre_start',
  'pre_stop',
  'profiles',
  'secrets',
  'volumes',
  'volumes_from',
]);

/** Merges the keys of a service. */
export function merged(
  below: ReadonlyMap<string, readonly Field[]>,
  above: ReadonlyMap<string, readonly Field[]>,
): ReadonlyMap<string, readonly Field[]> {
  const fields = new Map(below);
  for (const [key, own] of above) {
    const tag = own[0]?.value.tag;
    if (tag === '!reset') fields.delete(key);
    else if (isNull(own[0]?.value) && fields.has(key)) continue;
    else if (tag === '!override' || !keysMerged.has(key)) fields.set(key, own);
    else fields.set(key, [...(fields.get(key) ?? []), ...own]);
  }
  return fields;
}

/** A key without a value leaves the values of earlier files as they are. */
function isNull(value: YamlValue | undefined): boolean {
  return value?.text === undefined && value?.entries === undefined && value?.items === undefined;
}

/** Whether two definitions of a service have the same image: Compose takes equal ones as one. */
export function hasImageOf(service: Service, fields: Service['fields']): boolean {
  const [one, other] = [service.fields, fields].map(
    (each) => each.get('image')?.at(-1)?.value.text,
  );
  return one !== undefined && one === other;
}
