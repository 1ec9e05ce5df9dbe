import { posix } from 'node:path';
import type { Fault } from '../problem.ts';
import type { ClusterFiles } from './cluster-files.ts';
import { readDocuments } from './documents.ts';
import { type KubeImage, present } from './findings.ts';
import type { LineFault, Value } from './value.ts';
import { workloadImages } from './workload-images.ts';

/** Source: kustomize, `konfig.RecognizedKustomizationFileNames`. */
const fileNames = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];

/** The keys that may change images in ways that are not read. */
const unreadKeys = ['replacements', 'transformers', 'generators', 'helmCharts', 'vars'];
const patchKeys = ['patches', 'patchesStrategicMerge', 'patchesJson6902'];
const maxDepth = 16;
const maxChanges = 500;

interface Built {
  readonly file: NonNullable<ReturnType<ClusterFiles['read']>>;
  image: KubeImage;
}

/**
 * Adds the images of a kustomization directory as `kubectl apply -k` applies it: the images of its
 * resources and components, changed by `images`. A directory without a kustomization is nothing.
 */
export async function kustomizedImages(directory: string, files: ClusterFiles): Promise<void> {
  for (const { file, image } of await build(directory, files, 0)) files.add(file, image);
}

async function build(directory: string, files: ClusterFiles, depth: number): Promise<Built[]> {
  const present = files.names(directory);
  const name = fileNames.find((one) => present.includes(one));
  const file = name === undefined ? undefined : files.read(`${directory}/${name}`);
  if (file === undefined) return [];
  const { documents, faults } = await readDocuments(file.text);
  for (const fault of faults) files.problem(file.path, fault.line, fault);
  const [document] = documents;
  if (document === undefined) return [];
  if (depth > maxDepth) {
    files.problem(file.path, document.line, tooDeep);
    return [];
  }
  const built: Built[] = [];
  for (const key of ['resources', 'bases', 'components']) {
    for (const item of listAt(document, key)) {
      const text = item.kind === 'scalar' ? String(item.value) : '';
      const path = posix.resolve(directory, text);
      const kind = isRemote(text) ? undefined : files.kindOf(path);
      if (kind === 'directory')
        for (const one of await build(path, files, depth + 1)) built.push(one);
      else if (kind === 'other') for (const one of await resource(path, files)) built.push(one);
      else files.problem(file.path, item.line, isRemote(text) ? remote : missing);
    }
  }
  for (const fault of unread(document)) files.problem(file.path, fault.line, fault);
  const changes = listAt(document, 'images');
  // Each entry is held against each image.
  if (changes.length > maxChanges) files.problem(file.path, document.line, tooManyChanges);
  else for (const change of changes) for (const one of built) changeImage(one, change);
  return built;
}

async function resource(path: string, files: ClusterFiles): Promise<Built[]> {
  const file = files.read(path);
  if (file === undefined) return [];
  const found = await workloadImages(file.text, { player: 'cluster' });
  for (const fault of found.faults) files.problem(file.path, fault.line, fault);
  return found.images.map((image) => ({ file, image }));
}

/** Source: kustomize, api/internal/image and api/filters/imagetag. */
function changeImage(one: Built, change: Value): void {
  const name = textAt(change, 'name');
  const { raw } = one.image;
  if (name === undefined || !raw.startsWith(name)) return;
  const rest = /^(:[\w.{}-]*)?(@sha256:[\w.{}-]*)?$/.exec(raw.slice(name.length));
  if (rest === null) return;
  const tag = textAt(change, 'newTag');
  const digest = textAt(change, 'digest');
  const isKept = tag === undefined && digest === undefined;
  const suffix = isKept
    ? rest[0]
    : `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
  one.image = { ...one.image, raw: `${textAt(change, 'newName') ?? name}${suffix}` };
}

function unread(document: Value): readonly LineFault[] {
  const found = document.kind === 'map' ? [...document.entries] : [];
  return found.flatMap(([key, value]) => {
    if (present(value) === undefined) return [];
    const isUnread = unreadKeys.includes(key) || patchKeys.includes(key);
    return isUnread ? [{ ...unreadKey(key), line: value.line }] : [];
  });
}

function isRemote(text: string): boolean {
  return /^[a-z+]+:\/\/|^git@|^(?:github|gitlab)\.com\/|[?]ref=/.test(text);
}

function listAt(value: Value, key: string): readonly Value[] {
  const found = value.kind === 'map' ? value.entries.get(key) : undefined;
  return found?.kind === 'list' ? found.items : [];
}

function textAt(value: Value, key: string): string | undefined {
  const found = value.kind === 'map' ? present(value.entries.get(key)) : undefined;
  const text = found?.kind === 'scalar' ? String(found.value) : '';
  return text === '' ? undefined : text;
}

function unreadKey(key: string): Fault {
  return {
    code: 'kustomization',
    message: `expected resources, components and images in a kustomization, found ${key}, which may change images and is not read`,
    hint: 'set images with images:, or list them in images.d',
  };
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

const tooDeep: Fault = {
  code: 'too-deep',
  message: `expected at most ${maxDepth} kustomizations in each other, found more`,
  hint: 'look for one that includes itself',
};

const tooManyChanges: Fault = {
  code: 'too-large',
  message: `expected at most ${maxChanges} entries of images in a kustomization, found more`,
  hint: 'split the kustomization; none of the entries is applied',
};
