import { append } from '../../common/append.ts';
import { type Placement, placed } from '../engines/placement.ts';
import { type ImageFile, imageFiles, subjectOf } from '../image-files.ts';
import { imageOf } from '../image-value.ts';
import type { Problem } from '../problem.ts';
import type { Reference } from '../reference.ts';
import type { Found, SourceContext } from '../source.ts';
import { readDocuments } from './documents.ts';
import { present } from './findings.ts';
import { kubeletConfig } from './kubelet-config.ts';
import type { FlagsOf } from './program-flag.ts';
import { hasEngine, podRuntime } from './runtime.ts';
import type { LineFault, Value } from './value.ts';

/** Finds the images in OpenShift's `PinnedImageSet` files in `images.d`; all of them are bound. */
export async function pinnedImageSets(context: SourceContext, flagsOf: FlagsOf): Promise<Found> {
  const { files, problems } = imageFiles(context, /\.(?:ya?ml|json)$/);
  const references: Reference[] = [];
  const others: Problem[] = [...problems];
  for (const file of files) {
    const { documents, faults } = await readDocuments(file.text);
    append(
      others,
      faults.map((fault) => problemAt(file, fault)),
    );
    for (const document of documents) {
      const names = namesOf(document);
      if ('code' in names) others.push(problemAt(file, names));
      else
        append(
          references,
          names.map((value, index) => reference(file, value, index, context)),
        );
    }
  }
  if (references.length === 0) return { references, problems: others };
  const runtime = await nodeRuntime(context, flagsOf);
  return {
    references: references.map((reference) => placed(reference, runtime)),
    problems: others,
  };
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
  const list = at(at(document, 'spec'), 'pinnedImages');
  if (list?.kind !== 'list') {
    return malformed(list?.line ?? document.line, 'a list at spec.pinnedImages');
  }
  if (list.items.length > maxNames) return malformed(list.line, `at most ${maxNames} images`);
  return list.items;
}

function reference(
  file: ImageFile,
  item: Value,
  index: number,
  { shortNames }: SourceContext,
): Reference {
  const { name, path, realPath } = file;
  const raw = textAt(item, 'name') ?? '';
  const line = at(item, 'name')?.line ?? item.line;
  const image = /@sha256:[0-9a-f]{64}$/.test(raw)
    ? imageOf(raw, shortNames)
    : {
        ok: false as const,
        fault: malformed(line, 'an image with its digest, as everywhere in a PinnedImageSet'),
      };
  return {
    raw,
    path,
    line,
    key: `spec.pinnedImages[${index}].name`,
    kind: 'pinned-image-set',
    unit: name,
    unitPath: path,
    ...(realPath === path ? {} : { unitRealPath: realPath }),
    scope: 'system',
    activation: 'unknown',
    via: [],
    ...(image.ok ? { image: image.image } : {}),
    pull: { policy: 'missing' },
    bind: true,
    problems: image.ok ? [] : [problemAt(file, { line, ...image.fault })],
  };
}

function at(value: Value | undefined, key: string): Value | undefined {
  return value?.kind === 'map' ? present(value.entries.get(key)) : undefined;
}

function textAt(value: Value, key: string): string | undefined {
  const found = at(value, key);
  return found?.kind === 'scalar' && typeof found.value === 'string' ? found.value : undefined;
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
