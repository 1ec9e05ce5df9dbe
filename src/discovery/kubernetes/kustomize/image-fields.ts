import { textAt, type Value } from '../value.ts';

const fields =
  /^(?:.*image|containers|initContainers|ephemeralContainers|volumes|template|jobTemplate|spec|reference|\$.*)$/i;

/** Whether a patch may change, add or remove images; true if that is not sure. */
export function mayChangeImages(patch: Value): boolean {
  if (patch.kind === 'list') return patch.items.some(operationMay);
  return keyMay(patch, new Set());
}

/** Whether an operation of a JSON patch may change, add or remove images. */
function operationMay(operation: Value): boolean {
  const path = (textAt(operation, 'path') ?? '').split('/');
  const last = path.at(-1) ?? '';
  const isListed = path.some((step) => /^(?:containers|initContainers|volumes)$/.test(step));
  // `/spec/template/spec/containers/0` is a whole container, but `…/0/args` is not.
  const isItem = isListed && /^(?:\d+|-)$/.test(last) && path.length <= 7;
  const value = operation.kind === 'map' ? operation.entries.get('value') : undefined;
  return last === '' || isItem || fields.test(last) || keyMay(value, new Set());
}

function keyMay(value: Value | undefined, seen: Set<Value>): boolean {
  if (value === undefined || value.kind === 'scalar' || seen.has(value)) return false;
  seen.add(value);
  if (value.kind === 'list') return value.items.some((item) => keyMay(item, seen));
  return [...value.entries].some(
    ([key, item]) =>
      (item.kind === 'scalar' && fields.test(key)) ||
      /^(?:containers|initContainers|volumes|\$.*)$/.test(key) ||
      keyMay(item, seen),
  );
}
