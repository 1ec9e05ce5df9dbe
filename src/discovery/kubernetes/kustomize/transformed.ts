import type { Fault } from '../../problem.ts';
import type { ClusterFiles, FoundText } from '../cluster-files.ts';
import { listAt, type Value } from '../value.ts';
import {
  changedVolume,
  type ImageChange,
  imageChange,
  withChangedImages,
} from './image-changes.ts';
import { patched, patchesOf } from './patches.ts';
import { Refused } from './refused.ts';
import { renamed } from './renamed.ts';
import type { Resource } from './resource.ts';
import type { Work } from './work.ts';

const maxChanges = 500;
const maxPatches = 500;

/** The objects after the transformers of a kustomization, in kustomize's order. */
export async function transformed(
  given: readonly Resource[],
  kustomization: Value,
  file: FoundText,
  files: ClusterFiles,
  work: Work,
): Promise<readonly Resource[]> {
  const { first, last } = await patchesOf(kustomization, file, files);
  if (first.length + last.length > maxPatches) {
    files.problem(file.path, kustomization.line, tooMany('patches', maxPatches));
    return given;
  }
  let resources = given;
  for (const patch of first) resources = patched(resources, patch, file, files, work);
  resources = renamed(resources, kustomization);
  for (const patch of last) resources = patched(resources, patch, file, files, work);
  const changes = changesOf(kustomization, file, files);
  try {
    return resources.map((one) => changed(one, changes, files, work));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    files.problem(file.path, kustomization.line, error.fault);
    return resources;
  }
}

function changed(
  resource: Resource,
  changes: readonly ImageChange[],
  files: ClusterFiles,
  work: Work,
): Resource {
  const volume = changedVolume(resource.value, changes);
  if (volume !== undefined) files.problem(resource.file.path, volume.line, uncertainVolume);
  return { ...resource, value: withChangedImages(resource.value, changes, work) };
}

function changesOf(
  kustomization: Value,
  { path }: FoundText,
  files: ClusterFiles,
): readonly ImageChange[] {
  const entries = listAt(kustomization, 'images');
  if (entries.length > maxChanges) {
    files.problem(path, kustomization.line, tooMany('images', maxChanges));
    return [];
  }
  return entries.flatMap((entry) => {
    try {
      return [imageChange(entry)];
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      files.problem(path, entry.line, error.fault);
      return [];
    }
  });
}

const uncertainVolume: Fault = {
  code: 'kustomization',
  message:
    'expected an image volume that images: does not name, found one that only some versions of kustomize change',
  hint: 'write the image that you want into the resource, and leave the entry of images: away',
};

function tooMany(key: string, most: number): Fault {
  return {
    code: 'too-large',
    message: `expected at most ${most} entries of ${key} in a kustomization, found more`,
    hint: 'split the kustomization; none of the entries is applied',
  };
}
