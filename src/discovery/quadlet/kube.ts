import { posix } from 'node:path';
import { append } from '../../common/append.ts';
import type { ShortNames } from '../../image/short-names.ts';
import { RootError } from '../../root/root.ts';
import { followed, whereInTree } from '../../systemd/etc.ts';
import { list, scalar } from '../../systemd/lookup.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import { type CitedText, citedText } from '../cited/text.ts';
import { citedWorkloads } from '../cited/workloads.ts';
import type { ContainersConf } from '../containers-conf.ts';
import { imageOf } from '../image-value.ts';
import type { KubeImage } from '../kubernetes/findings.ts';
import type { Fault, Problem } from '../problem.ts';
import type { Reference } from '../reference.ts';
import type { Found } from '../source.ts';
import { type Arguments, readArguments } from './arguments.ts';
import { type BaseReader, baseReferences } from './base-references.ts';
import { confOf } from './conf-of.ts';
import { citedFile, citedPath, type FileContext } from './files.ts';
import { settingEntry } from './pull-options.ts';
import { referenceFields } from './reference-fields.ts';
import { problemOfUnit, type QuadletUnit, subjectOf } from './unit.ts';

export interface KubeContext extends FileContext {
  readonly shortNames: ShortNames;
  readonly bases: BaseReader;
  readonly additionalStores?: readonly string[];
  /** The root's containers.conf. */
  readonly containersConf?: ContainersConf | undefined;
}

/**
 * Finds the images in the YAML files that a `.kube` unit plays. If there is a directory with the
 * name of an image and a Containerfile in it, podman builds the image if it is missing: the base
 * images are found instead.
 *
 * Source: podman-kube-play(1), "Building images"; podman, pkg/domain/infra/abi/play.go.
 */
export async function kubeImages(unit: QuadletUnit, context: KubeContext): Promise<Found> {
  const references: Reference[] = [];
  const given = readArguments(unit, context);
  const problems: Problem[] = [...given.pullProblems, ...given.unitProblems];
  const played = new Set<string>();
  for (const entry of list(unit.entries, 'Kube', 'Yaml')) {
    // Since podman 5.7 one `Yaml=` may name several files.
    for (const value of entry.value.split(/\s+/).filter((word) => word !== '')) {
      const file = citedFile(unit, { ...entry, value }, context);
      if (!file.ok) {
        problems.push(file.problem);
        continue;
      }
      // A file that the unit names again adds nothing.
      if (played.has(file.path)) continue;
      played.add(file.path);
      const { images, faults } = await citedWorkloads(file.file);
      const subject = subjectOf(unit);
      append(
        problems,
        faults.map((fault) => ({ ...fault, path: file.path, subject })),
      );
      const directory = buildDirectory(unit, file.path, given, context);
      for (const image of images) {
        const built = containerfileOf(image, directory, context);
        if (built === undefined)
          references.push(referenceTo(image, unit, file.path, given, context));
        else {
          const bases = context.bases.read(built, { buildArgs: new Map() });
          const found = baseReferences(
            unit,
            bases,
            { ...given.pull, policy: 'missing' },
            context.shortNames,
          );
          append(references, found.references);
          append(problems, found.problems);
        }
      }
    }
  }
  const infra = settingEntry('infra_image', confOf(unit, context).infraImage);
  if (infra !== undefined && infra.value !== '' && references.length > 0) {
    // Each pod gets an infra container.
    const { value: raw, path, line, key } = infra;
    references.push(referenceTo({ raw, line, key, policy: 'missing' }, unit, path, given, context));
  }
  return { references, problems };
}

/**
 * The directory in which podman looks for images to build, `/` by default; undefined with
 * `--build=false`.
 */
function buildDirectory(
  unit: QuadletUnit,
  yaml: string,
  { options }: Arguments,
  { etc }: KubeContext,
): string | undefined {
  const last = (name: string) => options.findLast((option) => option.name === name);
  if (last('build')?.value?.text === 'false') return undefined;
  const given = last('context-dir')?.value?.text;
  if (given !== undefined) return whereInTree(etc, posix.resolve('/', given));
  const setting = scalar(unit.entries, 'Kube', 'SetWorkingDirectory')?.value ?? '';
  switch (setting.toLowerCase()) {
    case '':
      return '/';
    case 'yaml':
      return posix.dirname(yaml);
    case 'unit':
      return posix.dirname(unit.path);
    default:
      return citedPath(unit, setting, etc);
  }
}

function containerfileOf(
  { raw }: KubeImage,
  directory: string | undefined,
  { root, etc, allowance }: KubeContext,
): { path: string; file: CitedText } | undefined {
  // A name with `..` is not the name of an image.
  if (directory === undefined || raw === '' || raw.split('/').includes('..')) return undefined;
  for (const name of ['Containerfile', 'Dockerfile']) {
    const path = posix.join(directory, raw, name);
    try {
      const file = citedText(root, followed(root, etc, path), allowance);
      if (file !== undefined) return { path, file };
    } catch (error) {
      if (!(error instanceof RootError)) throw error;
    }
  }
  return undefined;
}

/** An image that a file names for the unit: the YAML that podman plays, or containers.conf. */
function referenceTo(
  { raw, line, key, policy }: KubeImage,
  unit: QuadletUnit,
  path: string,
  { pull }: Arguments,
  { shortNames }: KubeContext,
): Reference {
  const image = imageOf(raw, shortNames);
  const faults = [...(image.ok ? [] : [image.fault]), ...(policy === 'always' ? [pullAlways] : [])];
  const at: UnitEntry = { group: 'Kube', key, value: raw, path, line };
  return {
    ...referenceFields(unit),
    raw,
    path,
    line,
    key,
    ...(image.ok ? { image: image.image } : {}),
    pull: { ...pull, policy },
    problems: faults.map((fault) => problemOfUnit(unit, at, fault)),
  };
}

const pullAlways: Fault = {
  code: 'pull-always',
  message: 'expected a workload that starts offline, found imagePullPolicy: Always',
  hint: 'set imagePullPolicy: IfNotPresent',
};
