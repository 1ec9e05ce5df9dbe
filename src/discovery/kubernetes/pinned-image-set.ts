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
import { type LineFault, textAt, type Value, valueAt } from './value.ts';

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
      const names = namesOf(document);
      if ('code' in names) problems.push(problemAt(file, names));
      else
        append(
          references,
          names.map((value, index) => placed(reference(file, value, index, shortNames), runtime)),
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

const maxNames = 10_000;

/**
 * The entries of `spec.pinnedImages`.
 *
 * Source: machineconfiguration.openshift.io, `PinnedImageSet` in v1 and v1alpha1.
 */
function namesOf(document: Value): readonly Value[] | LineFault {
  const group = textAt(document, 'apiVersion')?.split('/')[0];
  if (
    group !== 'machineconfiguration.openshift.io' ||
    textAt(document, 'kind') !== 'PinnedImageSet'
  ) {
    return malformed(document.line, 'a PinnedImageSet of machineconfiguration.openshift.io');
  }
  const list = valueAt(document, ['spec', 'pinnedImages']);
  if (list?.kind !== 'list') {
    return malformed(list?.line ?? document.line, 'a list at spec.pinnedImages');
  }
  if (list.items.length > maxNames) return malformed(list.line, `at most ${maxNames} images`);
  return list.items;
}

function reference(
  { name: unit, path, realPath }: ImageFile,
  item: Value,
  index: number,
  shortNames: ShortNames,
): Reference {
  const raw = textAt(item, 'name') ?? '';
  const line = valueAt(item, ['name'])?.line ?? item.line;
  const key = `spec.pinnedImages[${index}].name`;
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
