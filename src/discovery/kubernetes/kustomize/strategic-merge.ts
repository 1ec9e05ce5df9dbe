import { textAt, textOf, type Value, valueAt } from '../value.ts';
import { NotUnderstood, Refused } from './refused.ts';
import { relocated } from './relocated.ts';
import type { Work } from './work.ts';

interface Options {
  readonly isKnownKind: boolean;
  readonly work: Work;
}

/** The lists of a pod that are merged by the names of their items. */
const named: ReadonlySet<string> = new Set([
  'containers',
  'ephemeralContainers',
  'initContainers',
  'volumes',
]);

/**
 * Merges a strategic merge patch into an object. Of lists only those of a pod that can name images are
 * merged; others are replaced, as all are in kinds that kustomize does not know. An object keeps its kind
 * and its name.
 *
 * Source: kustomize, kyaml/yaml/merge2.
 *
 * @returns undefined if the patch deletes the object.
 * @throws {Refused} if it is not understood.
 */
export function strategicMerge(
  target: Value,
  patch: Value,
  isKnownKind: boolean,
  work: Work,
): Value | undefined {
  const result = merged(target, patch, target.line, '', { isKnownKind, work });
  if (result?.kind !== 'map' || target.kind !== 'map') return result;
  const entries = new Map(result.entries);
  for (const key of ['apiVersion', 'kind', 'metadata']) {
    const own = target.entries.get(key);
    if (own !== undefined) entries.set(key, own);
  }
  return { ...result, entries };
}

function merged(
  target: Value | undefined,
  patch: Value,
  line: number,
  key: string,
  options: Options,
): Value | undefined {
  if (patch.kind === 'scalar') return patch.value === null ? undefined : { ...patch, line };
  if (patch.kind === 'map') return mergedMap(target, patch, line, options);
  const isMerged = options.isKnownKind && named.has(key);
  const [items, isReplaced] = directed(patch.items);
  if (isMerged && !isReplaced && target?.kind === 'list') {
    return mergedList(target.items, items, target.line, options);
  }
  const kept = items.filter((item) => textOf(valueAt(item, ['$patch'])) !== 'delete');
  return { kind: 'list', line, items: kept.map((item) => relocated(item, line, options.work)) };
}

function mergedMap(
  target: Value | undefined,
  patch: Value & { readonly kind: 'map' },
  line: number,
  options: Options,
): Value | undefined {
  const directive = textOf(patch.entries.get('$patch'));
  if (directive === 'delete') return undefined;
  const base = target?.kind === 'map' && directive !== 'replace' ? target : undefined;
  options.work.spend(patch.entries.size + (base?.entries.size ?? 0));
  const entries = new Map(base?.entries);
  for (const [key, value] of patch.entries) {
    if (key === '$patch') continue;
    if (key.startsWith('$')) throw new NotUnderstood(`a patch with ${key.slice(0, 100)}`);
    const before = entries.get(key);
    const result = merged(before, value, before?.line ?? base?.line ?? line, key, options);
    if (result === undefined) entries.delete(key);
    else entries.set(key, result);
  }
  return { kind: 'map', line: base?.line ?? line, entries };
}

/** Takes `$patch: replace` out of a list, which means that the rest replaces the list. */
function directed(items: readonly Value[]): readonly [readonly Value[], boolean] {
  const rest = items.filter((item) => textOf(valueAt(item, ['$patch'])) !== 'replace');
  return [rest, rest.length < items.length];
}

function mergedList(
  target: readonly Value[],
  patch: readonly Value[],
  line: number,
  options: Options,
): Value {
  options.work.spend(target.length);
  const items = byName(target);
  for (const [name, item] of byName(patch)) {
    const before = items.get(name);
    const result = merged(before, item, before?.line ?? line, '', options);
    if (result === undefined) items.delete(name);
    else items.set(name, result);
  }
  return { kind: 'list', line, items: [...items.values()] };
}

function byName(items: readonly Value[]): Map<string, Value> {
  const named = new Map(items.map((item) => [nameOf(item), item]));
  if (named.size < items.length) throw new NotUnderstood('two items of one name in a list');
  return named;
}

function nameOf(item: Value): string {
  const name = textAt(item, 'name');
  if (name === undefined) throw new Refused('a container or volume without a name');
  return name;
}
