import { append } from '../../common/append.ts';
import type { ShortNames } from '../../image/short-names.ts';
import { type Placement, placed } from '../engines/placement.ts';
import { shortNamesOf } from '../engines/short-names.ts';
import { fileReference } from '../file-reference.ts';
import { imageOf } from '../image-value.ts';
import { type ImageFile, imageFiles, subjectOf } from '../images-d/image-files.ts';
import type { Problem } from '../problem.ts';
import type { Reference } from '../reference.ts';
import type { Found, SourceContext } from '../source.ts';
import { readDocuments } from './documents.ts';
import { kubeletConfig } from './kubelet-config.ts';
import type { FlagsOf } from './program-flag.ts';
import { hasEngine, podRuntime } from './runtime.ts';
import { type LineFault, listAt, textAt, type Value, valueAt } from './value.ts';

/** Finds the images in OpenShift's `PinnedImageSet` files in `images.d`; all of them are bound. */
export async function pinnedImageSets(context: SourceContext, flagsOf: FlagsOf): Promise<Found> {
  const { files, problems: unread } = imageFiles(context, /\.(?:ya?ml|json)$/);
  const references: Reference[] = [];
  const problems: Problem[] = [...unread];
  if (files.length === 0) return { references, problems };
  const runtime = await nodeRuntime(context, flagsOf);
  const shortNames = shortNamesOf(runtime.engine ?? 'containerd', context.shortNames);
  for (const file of files) {
    const { documents, faults } = await readDocuments(file.text);
    append(
      problems,
      faults.map((fault) => problemAt(file, fault)),
    );
    for (const document of documents) {
      const { names, faults: wrong } = namesIn(document);
      append(
        problems,
        wrong.map((fault) => problemAt(file, fault)),
      );
      append(
        references,
        names.map((name) => placed(reference(file, name, shortNames), runtime)),
      );
    }
  }
  return { references, problems };
}

/** CRI-O where a root has it, as OpenShift's nodes do; else what runs the pods of the kubelet. */
async function nodeRuntime(context: SourceContext, flagsOf: FlagsOf): Promise<Placement> {
  if (hasEngine('crio', context)) return { engine: 'crio' };
  return podRuntime((await kubeletConfig(context, flagsOf('kubelet.service'))).endpoint, context);
}

/** In one document, whose aliases could repeat a set over and over. */
const maxNames = 10_000;

const GROUP = 'machineconfiguration.openshift.io';

/** An entry of `spec.pinnedImages`. */
interface PinnedName {
  readonly value: Value;
  /** `spec.pinnedImages[0].name` */
  readonly key: string;
}

interface PinnedNames {
  readonly names: readonly PinnedName[];
  readonly faults: readonly LineFault[];
}

/**
 * The names in a document: a set, or a list of sets as `oc get pinnedimageset -o yaml` and the API print it.
 *
 * Source: machineconfiguration.openshift.io, `PinnedImageSet` in v1 and v1alpha1.
 */
function namesIn(document: Value): PinnedNames {
  const sets = setsIn(document);
  if ('code' in sets) return { names: [], faults: [sets] };
  const names: PinnedName[] = [];
  const faults: LineFault[] = [];
  for (const set of sets) {
    const found = namesOf(set);
    if ('code' in found) faults.push(found);
    else if (names.length + found.length > maxNames) {
      return { names, faults: [...faults, tooMany(document.line)] };
    } else append(names, found);
  }
  return { names, faults };
}

interface PinnedSet {
  readonly value: Value;
  /** The path of the set in the document, with a dot at its end. */
  readonly path: string;
}

function setsIn(document: Value): readonly PinnedSet[] | LineFault {
  const kind = textAt(document, 'kind');
  const isTyped = kind === 'PinnedImageSetList' && isOfGroup(document);
  const isList = isTyped || (kind === 'List' && textAt(document, 'apiVersion') === 'v1');
  if (!isList) return isSet(document) ? [{ value: document, path: '' }] : noSet(document.line);
  const items = listAt(document, 'items');
  if (items.length > maxNames) return tooMany(document.line);
  // The API leaves out the kind of each item in a list of one kind.
  const isBare = (item: Value) => isTyped && item.kind === 'map' && !item.entries.has('kind');
  const wrong = items.find((item) => !isSet(item) && !isBare(item));
  if (wrong !== undefined) return noSet(wrong.line);
  return items.map((value, index) => ({ value, path: `items[${index}].` }));
}

function isSet(value: Value): boolean {
  return textAt(value, 'kind') === 'PinnedImageSet' && isOfGroup(value);
}

function isOfGroup(value: Value): boolean {
  return textAt(value, 'apiVersion')?.split('/')[0] === GROUP;
}

function namesOf({ value: set, path }: PinnedSet): readonly PinnedName[] | LineFault {
  const list = valueAt(set, ['spec', 'pinnedImages']);
  if (list?.kind !== 'list') {
    return malformed(list?.line ?? set.line, `a list at ${path}spec.pinnedImages`);
  }
  return list.items.map((value, index) => ({
    value,
    key: `${path}spec.pinnedImages[${index}].name`,
  }));
}

function noSet(line: number): LineFault {
  return malformed(line, `a PinnedImageSet of ${GROUP}, or a list of them`);
}

function tooMany(line: number): LineFault {
  return malformed(line, `at most ${maxNames} images`);
}

function reference(
  { name: unit, path, realPath }: ImageFile,
  { value: item, key }: PinnedName,
  shortNames: ShortNames,
): Reference {
  const raw = textAt(item, 'name') ?? '';
  const line = valueAt(item, ['name'])?.line ?? item.line;
  const image = /@sha256:[0-9a-f]{64}$/.test(raw)
    ? imageOf(raw, shortNames)
    : {
        ok: false as const,
        fault: malformed(line, 'an image with its digest, as everywhere in a PinnedImageSet'),
      };
  const named = { raw, line, key, kind: 'pinned-image-set', unit, policy: 'missing' } as const;
  return fileReference({ path, realPath }, { ...named, bind: true }, image);
}

function malformed(line: number, expected: string): LineFault {
  return {
    code: 'pinned-image-set',
    line,
    message: `expected ${expected}, found something else`,
    hint: 'write REPOSITORY@sha256:DIGEST in spec.pinnedImages[].name of a PinnedImageSet',
  };
}

function problemAt({ path }: ImageFile, fault: LineFault): Problem {
  return { ...fault, path, subject: subjectOf(path) };
}
