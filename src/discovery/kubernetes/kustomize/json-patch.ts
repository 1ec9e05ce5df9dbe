import { textAt, type Value } from '../value.ts';
import { NotUnderstood, Refused } from './refused.ts';
import { relocated } from './relocated.ts';
import type { Work } from './work.ts';

/** The most operations of a patch. */
const maxOperations = 1_000;

/**
 * Applies a JSON patch (RFC 6902). `replace` of a key that is not there is refused, as by kubectl 1.32 of
 * Debian; some other builds set the key.
 *
 * @throws {Refused} if an operation does not apply or is not understood.
 */
export function jsonPatch(target: Value, operations: readonly Value[], work: Work): Value {
  if (operations.length > maxOperations) throw new Refused(`more than ${maxOperations} operations`);
  let result = target;
  for (const operation of operations) result = applied(result, operation, work);
  return result;
}

function applied(target: Value, operation: Value, work: Work): Value {
  const op = textAt(operation, 'op') ?? '';
  const steps = stepsOf(textAt(operation, 'path'));
  const value = operation.kind === 'map' ? operation.entries.get('value') : undefined;
  switch (op) {
    case 'add':
    case 'replace':
      if (value === undefined) throw new Refused(`the operation ${op} without a value`);
      return changed(target, steps, { op, value, work });
    case 'remove':
      return changed(target, steps, { op, work });
    case 'test':
      return target;
    default:
      throw new NotUnderstood(`the operation ${op.slice(0, 20)} in a patch`);
  }
}

type Change = { readonly work: Work } & (
  | { readonly op: 'add' | 'replace'; readonly value: Value }
  | { readonly op: 'remove' }
);

function changed(target: Value, [step, ...rest]: readonly string[], change: Change): Value {
  if (step === undefined) {
    if (change.op === 'remove') throw new Refused('a patch that removes a whole object');
    return relocated(change.value, target.line, change.work);
  }
  if (target.kind === 'map') return changedMap(target, step, rest, change);
  if (target.kind === 'list') return changedList(target, step, rest, change);
  throw new Refused(`a patch of ${step.slice(0, 100)}, which is not there`);
}

function changedMap(
  target: Value & { readonly kind: 'map' },
  step: string,
  rest: readonly string[],
  change: Change,
): Value {
  change.work.spend(target.entries.size);
  const entries = new Map(target.entries);
  const before = entries.get(step);
  if (before === undefined && (rest.length > 0 || change.op !== 'add')) throw missing(step);
  if (before !== undefined && rest.length > 0) entries.set(step, changed(before, rest, change));
  else if (change.op === 'remove') entries.delete(step);
  else entries.set(step, relocated(change.value, before?.line ?? target.line, change.work));
  return { ...target, entries };
}

function changedList(
  target: Value & { readonly kind: 'list' },
  step: string,
  rest: readonly string[],
  change: Change,
): Value {
  change.work.spend(target.items.length);
  const items = [...target.items];
  const isNew = change.op === 'add' && rest.length === 0;
  const index = isNew && step === '-' ? items.length : Number(step);
  const before = items[index];
  if (!/^\d+$|^-$/.test(step) || index > items.length) throw missing(step);
  if (!isNew && before === undefined) throw missing(step);
  if (before !== undefined && rest.length > 0) items[index] = changed(before, rest, change);
  else if (change.op === 'remove') items.splice(index, 1);
  else
    items.splice(
      index,
      isNew ? 0 : 1,
      relocated(change.value, before?.line ?? target.line, change.work),
    );
  return { ...target, items };
}

function missing(step: string): Refused {
  return new Refused(`a patch of ${step.slice(0, 100)}, which is not there`);
}

/** The steps of a JSON pointer (RFC 6901). */
function stepsOf(pointer: string | undefined): readonly string[] {
  if (pointer === '') return [];
  if (pointer?.startsWith('/') !== true) throw new Refused('a patch without a path');
  const steps = pointer.slice(1).split('/');
  return steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}
