import { posix } from 'node:path';
import type { Found, SourceContext } from '../../source.ts';
import { ClusterFiles } from '../cluster-files.ts';
import { readDocuments } from '../documents.ts';
import { kustomizedImages } from '../kustomize/kustomization.ts';
import { Work } from '../kustomize/work.ts';
import { podsOfKubelet } from '../pod-files.ts';
import type { FlagsOf } from '../program-flag.ts';
import { textOf } from '../value.ts';
import { type MicroshiftConfig, microshiftConfig } from './microshift-config.ts';

const releases = '/usr/share/microshift/release';

/**
 * Finds the images of MicroShift: those of its own components, which its package lists, and those
 * of the kustomizations that it applies at each start.
 *
 * Source: microshift, pkg/config/manifests.go, `GetKustomizationPaths`.
 */
export async function microshiftImages(context: SourceContext, flagsOf: FlagsOf): Promise<Found> {
  const files = new ClusterFiles(context, 'microshift.service', { engine: 'crio' });
  const isThere =
    flagsOf('microshift.service') !== undefined || files.kindOf(releases) !== undefined;
  if (!isThere) return { references: [], problems: [] };
  const config = await microshiftConfig(files);
  await releaseImages(context, config, files);
  const work = new Work();
  for (const pattern of config.kustomizePaths) {
    for (const directory of files.matches(posix.resolve('/', pattern))) {
      if (files.kindOf(directory) === 'directory') await kustomizedImages(directory, files, work);
    }
  }
  if (config.staticPodPath !== '') {
    await podsOfKubelet(posix.resolve('/', config.staticPodPath), files);
  }
  return files;
}

/** Adds the images of MicroShift's own components, but for those that are switched off. */
async function releaseImages(
  { architecture }: SourceContext,
  { unused }: MicroshiftConfig,
  files: ClusterFiles,
): Promise<void> {
  const machine = architecture === 'arm64' ? 'aarch64' : architecture.replace('x86-64', 'x86_64');
  for (const name of files.names(releases)) {
    if (!name.startsWith('release-') || !name.endsWith(`-${machine}.json`)) continue;
    const file = files.read(`${releases}/${name}`);
    if (file === undefined) continue;
    const { documents, faults } = await readDocuments(file.text);
    for (const fault of faults) files.problem(file.path, fault.line, fault);
    const [document] = documents;
    const images = document?.kind === 'map' ? document.entries.get('images') : undefined;
    for (const [key, value] of images?.kind === 'map' ? images.entries : []) {
      if (unused.has(key)) continue;
      const raw = textOf(value);
      files.add(file, { raw, line: value.line, key: `images.${key}`, policy: 'missing' });
    }
  }
}
