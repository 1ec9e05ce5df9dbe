import { append } from '../../../common/append.ts';
import type { ClusterFiles } from '../cluster-files.ts';
import { readDocuments } from '../documents.ts';
import { textOf, type Value } from '../value.ts';

const path = '/etc/microshift/config.yaml';
const snippets = '/etc/microshift/config.d';

/** Where MicroShift looks for kustomizations if it is not told. */
const usualPaths = [
  '/usr/lib/microshift/manifests',
  '/usr/lib/microshift/manifests.d/*',
  '/etc/microshift/manifests',
  '/etc/microshift/manifests.d/*',
];

/** The settings of MicroShift that decide about images. */
export interface MicroshiftConfig {
  /** Patterns of the directories of kustomizations. */
  readonly kustomizePaths: readonly string[];
  /** The directory of static pods, if any is set. */
  readonly staticPodPath: string;
  /** The keys of images in the release that no component runs. */
  readonly unused: ReadonlySet<string>;
}

/**
 * Reads the configuration and its snippets, which are merged in order: lists are replaced.
 *
 * Source: microshift, pkg/config; Red Hat build of MicroShift, "Using configuration snippets".
 */
export async function microshiftConfig(files: ClusterFiles): Promise<MicroshiftConfig> {
  const documents: Value[] = [];
  for (const place of [path, ...snippetsIn(files)]) {
    if (files.kindOf(place) !== 'other') continue;
    const file = files.read(place);
    if (file === undefined) continue;
    const found = await readDocuments(file.text);
    for (const fault of found.faults) files.problem(file.path, fault.line, fault);
    append(documents, found.documents.slice(0, 1));
  }
  const listed = settingAt(documents, ['manifests', 'kustomizePaths']);
  const kustomizePaths = listed?.kind === 'list' ? listed.items.map(textOf) : usualPaths;
  const staticPodPath = textOf(settingAt(documents, ['kubelet', 'staticPodPath']));
  return { kustomizePaths, staticPodPath, unused: unusedImages(documents) };
}

function snippetsIn(files: ClusterFiles): readonly string[] {
  return files
    .names(snippets)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => `${snippets}/${name}`);
}

/** The value at a path of keys in the last document that has one; null takes it away. */
function settingAt(documents: readonly Value[], keys: readonly string[]): Value | undefined {
  let setting: Value | undefined;
  for (const document of documents) {
    let found: Value | undefined = document;
    for (const key of keys) {
      if (found?.kind !== 'map') break;
      found = found.entries.get(key);
    }
    if (found !== undefined) setting = found;
  }
  return setting;
}

/** The images of components that the configuration switches off. */
function unusedImages(documents: readonly Value[]): ReadonlySet<string> {
  const csi = settingAt(documents, ['storage', 'optionalCsiComponents']);
  const components = csi?.kind === 'list' ? csi.items.map(textOf) : [];
  const at = (section: string, key: string) => textOf(settingAt(documents, [section, key]));
  return new Set([
    ...(at('storage', 'driver') === 'none' ? storageImages : []),
    ...(components.includes('none') ? snapshotImages : []),
    ...(at('ingress', 'status') === 'Removed' ? ['haproxy-router'] : []),
    ...(at('network', 'cniPlugin') === 'none' ? ['ovn-kubernetes-microshift'] : []),
  ]);
}

/** Source: microshift, assets/release/release-x86_64.json, assets/components/lvms. */
const storageImages = [
  'csi-external-snapshotter',
  'lvms_operator',
  'topolvm_csi',
  'topolvm_csi_livenessprobe',
  'topolvm_csi_provisioner',
  'topolvm_csi_registrar',
  'topolvm_csi_resizer',
];

const snapshotImages = ['csi-snapshot-controller', 'csi-snapshot-validation-webhook'];
