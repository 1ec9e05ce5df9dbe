import { matchesWhole, type Piece } from '../../../common/text/wildcards.ts';
import { textOf, type Value, valueAt } from '../value.ts';
import { NotUnderstood } from './refused.ts';
import type { Identity, Resource } from './resource.ts';

/** Chooses the objects that a patch changes. */
export type Selector = (resource: Resource) => boolean;

/**
 * Reads the `target` of a patch, whose values are regular expressions for whole texts.
 *
 * Source: kustomize, api/types/selector.go, api/resmap/reswrangler.go, `Select`.
 *
 * @throws {NotUnderstood} if it is not understood.
 */
export function selectorOf(target: Value): Selector {
  for (const key of ['labelSelector', 'annotationSelector']) {
    if (textOf(valueAt(target, [key])) !== '') throw new NotUnderstood(`a target with ${key}`);
  }
  const matches = (key: keyof Identity) => patternOf(textOf(valueAt(target, [key])));
  const [group, version, kind] = [matches('group'), matches('version'), matches('kind')];
  const [name, namespace] = [matches('name'), matches('namespace')];
  return ({ original, current }) =>
    group(current.group) &&
    version(current.version) &&
    kind(current.kind) &&
    [original, current].some((one) => name(one.name)) &&
    [original, current].some((one) => namespace(one.namespace || 'default'));
}

/**
 * A regular expression made of plain characters, `.`, `.*`, `.+` and `|`. A root's own expression is
 * never run: it could take exponential time.
 */
function patternOf(pattern: string): (text: string) => boolean {
  if (pattern === '') return () => true;
  if (!/^(?:[\w/|-]|\.[*+]?)*$/.test(pattern.replace(/^\^|\$$/g, ''))) {
    throw new NotUnderstood('a target with a regular expression that berth does not know');
  }
  const alternatives = pattern
    .replace(/^\^|\$$/g, '')
    .split('|')
    .map(piecesOf);
  return (text) => alternatives.some((pieces) => matchesWhole(text, pieces));
}

function piecesOf(pattern: string): readonly Piece[] {
  const parts = pattern.replaceAll('.+', '..*').match(/\.\*|[^]/g) ?? [];
  return parts.map((part) => {
    if (part === '.*') return '*';
    return part === '.' ? () => true : (char) => char === part;
  });
}
