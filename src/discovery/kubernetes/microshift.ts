import type { Found, SourceContext } from '../source.ts';
import { ClusterFiles } from './cluster-files.ts';
import { readDocuments } from './documents.ts';
import { kustomizedImages } from './kustomization.ts';
import type { FlagsOf } from './program-flag.ts';

const releases = '/usr/share/microshift/release';

/**
 * Finds the images of MicroShift: those of its own components, which its package lists, and those
 * of the kustomizations that it applies at each start.
 *
 * Source: microshift, pkg/config/manifests.go.
 */
export async function microshiftImages(context: SourceContext, flagsOf: FlagsOf): Promise<Found> {
  const files = new ClusterFiles(context, 'microshift.service', { engine: 'crio' });
  const isThere =
    flagsOf('microshift.service') !== undefined || files.kindOf(releases) !== undefined;
  if (!isThere) return { references: [], problems: [] };
  await releaseImages(context, files);
  if (files.kindOf('/etc/microshift/config.yaml') !== undefined) await configured(files);
  for (const top of ['/usr/lib/microshift', '/etc/microshift']) {
    await kustomizedImages(`${top}/manifests`, files);
    for (const name of files.names(`${top}/manifests.d`)) {
      const directory = `${top}/manifests.d/${name}`;
      if (files.kindOf(directory) === 'directory') await kustomizedImages(directory, files);
    }
  }
  return files;
}

async function releaseImages({ architecture }: SourceContext, files: ClusterFiles): Promise<void> {
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
      const raw = value.kind === 'scalar' ? String(value.value) : '';
      files.add(file, { raw, line: value.line, key: `images.${key}`, policy: 'missing' });
    }
  }
}

/** Says that other directories are configured, which are not read. */
async function configured(files: ClusterFiles): Promise<void> {
  const file = files.read('/etc/microshift/config.yaml');
  const { documents } = await readDocuments(file?.text ?? '');
  const [document] = documents;
  const manifests = document?.kind === 'map' ? document.entries.get('manifests') : undefined;
  const paths = manifests?.kind === 'map' ? manifests.entries.get('kustomizePaths') : undefined;
  if (file === undefined || paths === undefined) return;
  files.problem(file.path, paths.line, {
    code: 'kube-unread',
    message:
      "expected MicroShift's own directories of manifests, found kustomizePaths, which is not read",
    hint: 'use manifests.d, or list the images in images.d',
  });
}
