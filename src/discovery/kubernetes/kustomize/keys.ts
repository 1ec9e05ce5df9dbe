import { type LineFault, listAt, present, textOf, type Value } from '../value.ts';

/** The keys of a kustomization that are read, or that change no image. */
const known: ReadonlySet<string> = new Set([
  'apiVersion',
  'bases',
  'buildMetadata',
  'commonAnnotations',
  'commonLabels',
  'components',
  'configMapGenerator',
  'crds',
  'generatorOptions',
  'helmGlobals',
  'images',
  'kind',
  'labels',
  'metadata',
  'namePrefix',
  'nameSuffix',
  'namespace',
  'openapi',
  'patches',
  'patchesJson6902',
  'patchesStrategicMerge',
  'replicas',
  'resources',
  'secretGenerator',
  'sortOptions',
  'validators',
  'vars',
]);

/** The keys that may add or change images in ways that are not read. */
const unread: ReadonlySet<string> = new Set([
  'configurations',
  'generators',
  'helmChartInflationGenerator',
  'helmCharts',
  'transformers',
]);

/** The faults of a kustomization with keys that kustomize refuses, or that berth does not read. */
export function keyFaults(kustomization: Value): readonly LineFault[] {
  const entries = kustomization.kind === 'map' ? [...kustomization.entries] : [];
  return entries.flatMap(([key, value]) => {
    if (present(value) === undefined) return [];
    if (key === 'replacements') return mayReplaceImages(value) ? [unreadKey(key, value.line)] : [];
    if (unread.has(key)) return [unreadKey(key, value.line)];
    return known.has(key) ? [] : [unknownKey(key, value.line)];
  });
}

/** Whether replacements write into fields of containers or volumes, or stand in files. */
function mayReplaceImages(replacements: Value): boolean {
  const items = replacements.kind === 'list' ? replacements.items : [];
  return items.some((item) => {
    const targets = listAt(item, 'targets');
    return targets.length === 0 || targets.some((target) => fieldsMay(target));
  });
}

function fieldsMay(target: Value): boolean {
  return listAt(target, 'fieldPaths').some((path) => isOfImages(textOf(path)));
}

/** Whether a field is an image, or holds all of a container, a volume or a pod. */
function isOfImages(path: string): boolean {
  const steps = path.replace(/\[[^[\]]*\]/g, '-').split('.');
  const [list = '', last = ''] = steps.slice(-2);
  const isItem =
    /^(?:-|\*|\d+)$/.test(last) && /^(?:containers|initContainers|volumes)$/.test(list);
  return (
    /image|reference/i.test(path) ||
    isItem ||
    /^(?:spec|template|jobTemplate|containers|initContainers|volumes)$/.test(last)
  );
}

function unreadKey(key: string, line: number): LineFault {
  return {
    code: 'kustomization',
    line,
    message: `expected resources, components, patches and images in a kustomization, found ${key}, which may change images and is not read`,
    hint: 'set images with images:, or list them in images.d',
  };
}

function unknownKey(key: string, line: number): LineFault {
  return {
    code: 'kustomization',
    line,
    message: `expected the keys of a kustomization, found ${key.slice(0, 100)}, with which kustomize refuses the file`,
    hint: 'correct the key, or remove it',
  };
}
