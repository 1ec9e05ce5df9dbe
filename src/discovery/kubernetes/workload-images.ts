import { customResource } from './custom-resource.ts';
import { readDocuments } from './documents.ts';
import {
  annotations,
  Findings,
  optionalList,
  optionalMap,
  type WorkloadImages,
} from './findings.ts';
import { podImages } from './pod-images.ts';
import type { Player } from './pull-policy.ts';
import { present, type Value } from './value.ts';

/** For each kind that contains a pod, the path to the object with its spec. */
const podOf: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  PodTemplate: ['template'],
  Deployment: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
};

/** The kinds with a pod that podman plays (podman-kube-play(1)); it skips the others. */
const playedByPodman: ReadonlySet<string> = new Set(['Pod', 'Deployment', 'DaemonSet', 'Job']);

/** The levels of `List` in `List` that are read; podman itself reads one. */
const maxNesting = 8;

/** Finds all images in the manifests of a file, with the pull policies that the player applies. */
export async function workloadImages(
  text: string,
  { player }: { readonly player: Player },
): Promise<WorkloadImages> {
  const { documents, faults } = await readDocuments(text);
  const findings = new Findings(player, faults);
  documents.forEach((document, index) => {
    if (player === 'kubelet' && index > 0)
      findings.fault('kube-kind', document.line, secondDocument);
    object(document, '', 0, findings);
  });
  return { images: findings.images, faults: findings.faults };
}

/** Finds all images in an object, at the lines of its values. */
export function imagesOfObject(
  value: Value,
  { player }: { readonly player: Player },
): WorkloadImages {
  const findings = new Findings(player, []);
  object(value, '', 0, findings);
  return { images: findings.images, faults: findings.faults };
}

function object(value: Value, path: string, depth: number, findings: Findings): void {
  if (!findings.step(value.line)) return;
  const entries = optionalMap(value, path, findings)?.entries;
  if (entries === undefined) return;
  const kind = present(entries.get('kind'));
  const name = kind?.kind === 'scalar' ? kind.value : undefined;
  if (typeof name !== 'string' || name === '') {
    findings.malformed(kind?.line ?? value.line, `${path}kind`, 'the name of a kind');
    return;
  }
  const line = kind?.line ?? value.line;
  const pod = Object.hasOwn(podOf, name) ? podOf[name] : undefined;
  if (findings.player === 'kubelet' && name !== 'Pod') {
    findings.fault('kube-kind', line, kubeletKind);
  } else if (findings.player === 'podman' && pod !== undefined && !playedByPodman.has(name)) {
    findings.fault('kube-kind', line, podmanKind);
  }
  if (findings.player === 'cluster' && pod === undefined && name !== 'List') {
    customResource({ value, kind: name, line, path }, findings);
    if (entries.get('items')?.kind === 'list') list(entries, path, depth, findings);
  }
  if (name === 'List') list(entries, path, depth, findings);
  else if (name === 'PersistentVolumeClaim') claim(entries, path, findings);
  else if (pod !== undefined) workload(value, pod, path, findings);
}

function list(
  entries: ReadonlyMap<string, Value>,
  path: string,
  depth: number,
  findings: Findings,
): void {
  const items = optionalList(entries.get('items'), `${path}items`, findings);
  if (items === undefined) return;
  if (depth === maxNesting) {
    findings.malformed(items.line, `${path}items`, `at most ${maxNesting} lists in each other`);
    return;
  }
  items.items.forEach((item, index) => {
    object(item, `${path}items[${index}].`, depth + 1, findings);
  });
}

function workload(value: Value, steps: readonly string[], path: string, findings: Findings): void {
  // podman reads the annotations of the object itself, not those of its template.
  const notes = findings.player === 'podman' ? annotations(value, path, findings) : undefined;
  let at: Value | undefined = value;
  let where = path;
  for (const step of [...steps, 'spec']) {
    at = optionalMap(at, where, findings)?.entries.get(step);
    where = `${where}${step}.`;
    if (present(at) === undefined) return;
  }
  const spec = optionalMap(at, where, findings);
  if (spec !== undefined) podImages(spec.entries, where, notes, findings);
}

/**
 * Adds the image of a volume claim, which podman does not pull (libpod/runtime_volume_common.go).
 */
function claim(entries: ReadonlyMap<string, Value>, path: string, findings: Findings): void {
  if (findings.player !== 'podman') return;
  const notes = annotations({ kind: 'map', line: 0, entries }, path, findings);
  const name = 'volume.podman.io/image';
  const image = notes?.entries.get(name);
  if (notes === undefined || image === undefined) return;
  findings.image(image, `${notes.key}["${name}"]`, () => 'never');
}

const podmanKind = {
  message: 'expected a Pod, Deployment, DaemonSet or Job, found a kind that podman skips',
  hint: 'make it one of those, or remove it',
};

const kubeletKind = {
  message: 'expected a Pod, found another kind, which the kubelet does not run from a file',
  hint: 'write it as a Pod, or move it out of the directory',
};

const secondDocument = {
  message: 'expected one Pod in the file, found a second document, which the kubelet does not read',
  hint: 'give each Pod a file of its own',
};
