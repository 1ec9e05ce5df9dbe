import {
  isKeptBy,
  KEEPER_LABEL,
  type Keeper,
  type Labels,
  ROOT_LABEL,
  SCHEMA,
  SCHEMA_LABEL,
} from '../../pins/labels.ts';
import { isNameOf, newName } from '../../pins/pin-name.ts';

const POD = 'berth';

/** A new name for a pod of pins. Two processes that stage the same root at once may each make a pod. */
export function newPodName(root: string): string {
  return newName(POD, root);
}

/** Whether the name is that of a pod for pins of this root. */
export function isPodName(name: string, root: string): boolean {
  return isNameOf(POD, root, name);
}

export function podLabels(root: string, keeper: Keeper = 'own'): Record<string, string> {
  return { [SCHEMA_LABEL]: SCHEMA, [ROOT_LABEL]: root, [KEEPER_LABEL]: keeper };
}

/** Whether a pod's labels name this root and this keeper. */
export function isPodOf(root: string, labels: Labels, keeper: Keeper = 'own'): boolean {
  return labels[SCHEMA_LABEL] === SCHEMA && labels[ROOT_LABEL] === root && isKeptBy(keeper, labels);
}
