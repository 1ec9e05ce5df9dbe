import { textAt, type Value } from '../value.ts';
import type { Resource } from './resource.ts';

/** The kinds whose names kustomize leaves as they are. */
const keepName: ReadonlySet<string> = new Set([
  'APIService',
  'CustomResourceDefinition',
  'Namespace',
]);

/** The objects with the prefix, the suffix and the namespace of a kustomization. */
export function renamed(resources: readonly Resource[], kustomization: Value): readonly Resource[] {
  const text = (key: string) => textAt(kustomization, key) ?? '';
  const [prefix, suffix, namespace] = [text('namePrefix'), text('nameSuffix'), text('namespace')];
  if (prefix === '' && suffix === '' && namespace === '') return resources;
  return resources.map((resource) => {
    const { current } = resource;
    const name = keepName.has(current.kind) ? current.name : prefix + current.name + suffix;
    return {
      ...resource,
      current: { ...current, name, namespace: namespace || current.namespace },
    };
  });
}
