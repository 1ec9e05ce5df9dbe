import type { Value } from '../value.ts';
import type { Work } from './work.ts';

/**
 * A value of a patch as it stands in the object that the patch changes: all of it on one line of the
 * object's file, and without the entries that are null.
 */
export function relocated(
  value: Value,
  line: number,
  work: Work,
  done: Map<Value, Value> = new Map<Value, Value>(),
): Value {
  const known = done.get(value);
  if (known !== undefined) return known;
  const moved = movedTo(line, value, work, done);
  // Aliases repeat a value as the same object, and it stays one.
  done.set(value, moved);
  return moved;
}

function movedTo(line: number, value: Value, work: Work, done: Map<Value, Value>): Value {
  work.spend(1);
  if (value.kind === 'scalar') return { ...value, line };
  if (value.kind === 'list') {
    return { ...value, line, items: value.items.map((item) => relocated(item, line, work, done)) };
  }
  const entries = new Map<string, Value>();
  for (const [key, item] of value.entries) {
    const isNull = item.kind === 'scalar' && item.value === null;
    if (!isNull) entries.set(key, relocated(item, line, work, done));
  }
  return { kind: 'map', line, entries };
}
