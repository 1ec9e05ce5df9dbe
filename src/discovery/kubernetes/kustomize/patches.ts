import { posix } from 'node:path';
import type { ClusterFiles, FoundText } from '../cluster-files.ts';
import { readDocuments } from '../documents.ts';
import { listAt, textAt, textOf, type Value, valueAt } from '../value.ts';
import { mayChangeImages } from './image-fields.ts';
import { jsonPatch } from './json-patch.ts';
import { isKnownKind } from './known-kinds.ts';
import { NotUnderstood, Refused } from './refused.ts';
import { identityOf, isNamedBy, type Resource } from './resource.ts';
import { type Selector, selectorOf } from './selector.ts';
import { strategicMerge } from './strategic-merge.ts';
import type { Work } from './work.ts';

/** A patch as a kustomization names it. */
export interface Patch {
  /** The line in the kustomization. */
  readonly line: number;
  readonly documents: readonly Value[];
  readonly target: Value | undefined;
  /** Whether it may change the name or the kind of an object. */
  readonly isRenaming?: boolean;
}

/** The patches of a kustomization in the order in which they are applied: those before and after prefixes. */
export interface Patches {
  readonly first: readonly Patch[];
  readonly last: readonly Patch[];
}

/** Reads `patchesStrategicMerge`, `patches` and `patchesJson6902`. */
export async function patchesOf(
  kustomization: Value,
  place: FoundText,
  files: ClusterFiles,
): Promise<Patches> {
  const first: Patch[] = [];
  for (const item of listAt(kustomization, 'patchesStrategicMerge')) {
    const text = item.kind === 'scalar' && typeof item.value === 'string' ? item.value : '';
    const documents = text.includes(':')
      ? (await readDocuments(text)).documents
      : await documentsAt(text, item.line, place, files);
    first.push({ line: item.line, documents, target: undefined });
  }
  for (const item of listAt(kustomization, 'patches')) {
    first.push(await patchOf(item, place, files));
  }
  const last: Patch[] = [];
  for (const item of listAt(kustomization, 'patchesJson6902')) {
    last.push(await patchOf(item, place, files));
  }
  return { first, last };
}

async function patchOf(item: Value, place: FoundText, files: ClusterFiles): Promise<Patch> {
  const { line } = item;
  const inline = textAt(item, 'patch') ?? '';
  const target = valueAt(item, ['target']);
  const isRenaming = ['allowNameChange', 'allowKindChange'].some(
    (option) => textOf(valueAt(item, ['options', option])) === 'true',
  );
  if (inline === '') {
    const documents = await documentsAt(textAt(item, 'path') ?? '', line, place, files);
    return { line, documents, target, isRenaming };
  }
  const { documents, faults } = await readDocuments(inline);
  for (const fault of faults) files.problem(place.path, line, fault);
  return { line, documents, target, isRenaming };
}

async function documentsAt(
  name: string,
  line: number,
  place: FoundText,
  files: ClusterFiles,
): Promise<readonly Value[]> {
  const directory = posix.dirname(place.path);
  const path = posix.resolve(directory, name);
  if (name === '' || !path.startsWith(`${directory}/`) || files.kindOf(path) !== 'other') {
    files.problem(place.path, line, noFile);
    return [];
  }
  const file = files.read(path);
  const { documents, faults } = await readDocuments(file?.text ?? '');
  for (const fault of faults) files.problem(path, fault.line, fault);
  return documents;
}

const noFile = {
  code: 'cited-file' as const,
  message: 'expected a patch in or below the directory of the kustomization, found no such file',
  hint: 'ship the file there, or remove the entry',
};

/** The objects after a patch; unchanged, with a problem, if the patch can't be applied. */
export function patched(
  resources: readonly Resource[],
  patch: Patch,
  place: FoundText,
  files: ClusterFiles,
  work: Work,
): readonly Resource[] {
  try {
    if (patch.isRenaming === true) throw new NotUnderstood('a patch that may rename an object');
    return patch.documents.reduce(
      (all, document) => appliedTo(all, document, patch, work),
      resources,
    );
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const isHarmless = error instanceof NotUnderstood && !patch.documents.some(mayChangeImages);
    if (!isHarmless) files.problem(place.path, patch.line, error.fault);
    return resources;
  }
}

function appliedTo(
  resources: readonly Resource[],
  document: Value,
  { target }: Patch,
  work: Work,
): readonly Resource[] {
  work.spend(resources.length);
  const found = resources.filter(chooser(document, target));
  if (target === undefined && found.length !== 1) {
    throw new Refused(`a patch for one object, of which there are ${found.length}`);
  }
  const chosen = new Set(found);
  return resources.flatMap((one) => (chosen.has(one) ? appliedToOne(one, document, work) : [one]));
}

function chooser(document: Value, target: Value | undefined): Selector {
  if (target !== undefined) return selectorOf(target);
  const identity = identityOf(document);
  const { kind, name } = identity;
  if (kind === '' || name === '') throw new Refused('a patch without a target, a kind or a name');
  return (resource) => isNamedBy(resource, identity);
}

function appliedToOne(resource: Resource, document: Value, work: Work): readonly Resource[] {
  if (document.kind === 'list') {
    return [{ ...resource, value: jsonPatch(resource.value, document.items, work) }];
  }
  const value = strategicMerge(resource.value, document, isKnownKind(resource.original), work);
  return value === undefined ? [] : [{ ...resource, value }];
}
