import { posix } from 'node:path';
import type { Fault } from '../../problem.ts';
import type { ClusterFiles, FoundText } from '../cluster-files.ts';
import { readDocuments } from '../documents.ts';
import { listAt, textAt, textOf, type Value, valueAt } from '../value.ts';
import { imagesOfObject } from '../workload-images.ts';
import { keyFaults } from './keys.ts';
import { type Resource, resourceOf } from './resource.ts';
import { transformed } from './transformed.ts';
import type { Work } from './work.ts';

/** Source: kustomize, `konfig.RecognizedKustomizationFileNames`. */
const fileNames = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];

const maxDepth = 16;

/**
 * Adds the images of a kustomization directory as `kubectl apply -k` applies it: those of its resources
 * and components after its patches and its `images`. A directory without a kustomization is nothing.
 */
export async function kustomizedImages(
  directory: string,
  files: ClusterFiles,
  work: Work,
): Promise<void> {
  for (const { file, value } of await build(directory, [], { files, work }, [])) {
    const { images, faults } = imagesOfObject(value, { player: 'cluster' });
    for (const fault of faults) files.problem(file.path, fault.line, fault);
    for (const image of images) files.add(file, image);
  }
}

/** The files and the limit that all kustomizations of a service share. */
interface Site {
  readonly files: ClusterFiles;
  readonly work: Work;
}

/**
 * The objects of a kustomization.
 *
 * @param given the objects of the kustomization that includes it as a component, which it changes.
 * @param above the directories of the kustomizations that include it.
 *
 * Source: kustomize, api/internal/target/kusttarget.go, `accumulateTarget`.
 */
async function build(
  directory: string,
  given: readonly Resource[],
  site: Site,
  above: readonly string[],
): Promise<readonly Resource[]> {
  const { files, work } = site;
  const names = files.names(directory);
  const name = fileNames.find((one) => names.includes(one));
  const file = name === undefined ? undefined : files.read(`${directory}/${name}`);
  if (file === undefined) return given;
  const { documents, faults } = await readDocuments(file.text);
  for (const fault of faults) files.problem(file.path, fault.line, fault);
  const [kustomization] = documents;
  if (kustomization === undefined) return given;
  if (above.length > maxDepth) {
    files.problem(file.path, kustomization.line, tooDeep);
    return given;
  }
  for (const fault of keyFaults(kustomization)) files.problem(file.path, fault.line, fault);
  const within = [...above, posix.dirname(file.path)];
  let resources = [...given];
  for (const key of ['resources', 'bases']) {
    for (const item of listAt(kustomization, key)) {
      for (const one of await included(item, file, site, within)) resources.push(one);
    }
  }
  for (const item of listAt(kustomization, 'components')) {
    const path = directoryOf(item, file, files, within);
    if (path !== undefined) resources = [...(await build(path, resources, site, within))];
  }
  for (const fault of idFaults(resources)) files.problem(file.path, undefined, fault);
  return transformed(resources, kustomization, file, files, work);
}

/** The objects of an entry of `resources`: a file, or another kustomization. */
async function included(
  item: Value,
  place: FoundText,
  site: Site,
  within: readonly string[],
): Promise<readonly Resource[]> {
  const { files } = site;
  const text = textOf(item);
  const directory = posix.dirname(place.path);
  const path = posix.resolve(directory, text);
  if (isRemote(text) || files.kindOf(path) !== 'other') {
    const inner = directoryOf(item, place, files, within);
    return inner === undefined ? [] : build(inner, [], site, within);
  }
  if (!path.startsWith(`${directory}/`)) files.problem(place.path, item.line, outside);
  return objectsIn(path, files);
}

/** The directory that an entry names; undefined, with a problem, if it can't be built. */
function directoryOf(
  item: Value,
  place: FoundText,
  files: ClusterFiles,
  within: readonly string[],
): string | undefined {
  const text = textOf(item);
  const path = posix.resolve(posix.dirname(place.path), text);
  if (isRemote(text)) files.problem(place.path, item.line, remote);
  else if (within.some((one) => `${one}/`.startsWith(`${path}/`))) {
    files.problem(place.path, item.line, circle);
  } else if (files.kindOf(path) === 'directory') return path;
  else if (!files.isFull) files.problem(place.path, item.line, missing);
  return undefined;
}

async function objectsIn(path: string, files: ClusterFiles): Promise<readonly Resource[]> {
  const file = files.read(path);
  if (file === undefined) return [];
  const { documents, faults } = await readDocuments(file.text);
  for (const fault of faults) files.problem(file.path, fault.line, fault);
  return documents.flatMap((document) => {
    const items = valueAt(document, ['items']);
    const isList = textAt(document, 'kind')?.endsWith('List') === true && items?.kind === 'list';
    const objects = isList ? items.items : [document];
    return objects.map((value) => resourceOf(file, value));
  });
}

/** The fault of objects without a name, or with the name of another: kustomize refuses the whole then. */
function idFaults(resources: readonly Resource[]): readonly Fault[] {
  const seen = new Set<string>();
  let faults: readonly Fault[] = [];
  for (const { current } of resources) {
    const { group, version, kind, name, namespace } = current;
    const id = JSON.stringify([group, version, kind, name, namespace]);
    if (seen.has(id) || name === '') faults = [refusedNames];
    seen.add(id);
  }
  return faults;
}

const refusedNames: Fault = {
  code: 'kustomization',
  message:
    'expected objects that each have a kind and a name of their own, found others, which kustomize refuses',
  hint: 'give each object a metadata.name, and list each file once',
};

function isRemote(text: string): boolean {
  return /^[a-z+]+:\/\/|^git@|^(?:github|gitlab)\.com\/|[?]ref=/.test(text);
}

const remote: Fault = {
  code: 'kube-unread',
  message: 'expected a resource in the root, found one from the network',
  hint: 'ship the resource, or list its images in images.d',
};

const missing: Fault = {
  code: 'cited-file',
  message: 'expected a resource of the kustomization, found no such file',
  hint: 'ship the file, or remove the entry',
};

const outside: Fault = {
  code: 'kustomization',
  message:
    'expected a file in or below the directory of the kustomization, found another, which kustomize refuses',
  hint: 'move the file there, or name a directory with a kustomization',
};

const circle: Fault = {
  code: 'kustomization',
  message:
    'expected another kustomization, found a directory that holds this one or includes it, which kustomize refuses',
  hint: 'remove the entry',
};

const tooDeep: Fault = {
  code: 'too-deep',
  message: `expected at most ${maxDepth} kustomizations in each other, found more`,
  hint: 'put them together; those below are ignored',
};
