import type { FoundText } from '../cluster-files.ts';
import { textOf, type Value, valueAt } from '../value.ts';

/** The fields that identify an object, by which patches choose it. */
export interface Identity {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
}

/** An object in a file of a kustomization. */
export interface Resource {
  readonly file: FoundText;
  readonly value: Value;
  /** As the file has it. */
  readonly original: Identity;
  /** With the prefixes, suffixes and the namespace of the kustomizations so far. */
  readonly current: Identity;
}

export function resourceOf(file: FoundText, value: Value): Resource {
  const identity = identityOf(value);
  return { file, value, original: identity, current: identity };
}

export function identityOf(value: Value): Identity {
  const apiVersion = textOf(valueAt(value, ['apiVersion']));
  const slash = apiVersion.indexOf('/');
  return {
    group: apiVersion.slice(0, Math.max(0, slash)),
    version: apiVersion.slice(slash + 1),
    kind: textOf(valueAt(value, ['kind'])),
    name: textOf(valueAt(value, ['metadata', 'name'])),
    namespace: textOf(valueAt(value, ['metadata', 'namespace'])),
  };
}

/** Whether a patch without a target means the object; a missing namespace is the default one. */
export function isNamedBy({ original, current }: Resource, patch: Identity): boolean {
  return [original, current].some(
    ({ group, version, kind, name, namespace }) =>
      group === patch.group &&
      version === patch.version &&
      kind === patch.kind &&
      name === patch.name &&
      (namespace || 'default') === (patch.namespace || 'default'),
  );
}
