import {
  type Annotations,
  type Findings,
  type MapValue,
  optionalList,
  optionalMap,
} from './findings.ts';
import { pullPolicy } from './pull-policy.ts';
import { present, type Value } from './value.ts';

type Entries = ReadonlyMap<string, Value>;

/**
 * Adds the images of a PodSpec.
 *
 * @param path the path of the spec with a dot at its end: `spec.template.spec.`.
 * @param notes the annotations in which podman looks for images to mount.
 */
export function podImages(
  spec: Entries,
  path: string,
  notes: Annotations | undefined,
  findings: Findings,
): void {
  for (const group of ['initContainers', 'containers', 'ephemeralContainers']) {
    each(spec, group, path, findings, (container, at) => {
      imageIn(container, 'image', 'imagePullPolicy', at, findings);
      const name = container.entries.get('name');
      // podman ignores ephemeral containers.
      if (notes !== undefined && name?.kind === 'scalar' && group !== 'ephemeralContainers') {
        mountedImages(notes, String(name.value), findings);
      }
    });
  }
  each(spec, 'volumes', path, findings, (volume, at) => {
    const image = optionalMap(volume.entries.get('image'), `${at}.image`, findings);
    if (image !== undefined) imageIn(image, 'reference', 'pullPolicy', `${at}.image`, findings);
  });
}

function each(
  spec: Entries,
  group: string,
  path: string,
  findings: Findings,
  visit: (item: MapValue, at: string) => void,
): void {
  const list = optionalList(spec.get(group), `${path}${group}`, findings);
  list?.items.forEach((item, index) => {
    if (findings.isFull || !findings.step(item.line)) return;
    const at = `${path}${group}[${index}]`;
    if (item.kind === 'map') visit(item, at);
    else findings.malformed(item.line, at, 'a map');
  });
}

function imageIn(
  map: MapValue,
  key: string,
  policyKey: string,
  at: string,
  findings: Findings,
): void {
  const written = present(map.entries.get(policyKey));
  const policy = written?.kind === 'scalar' ? String(written.value) : written && '?';
  const image = map.entries.get(key) ?? { kind: 'scalar' as const, line: map.line, value: null };
  findings.image(image, `${at}.${key}`, (raw) => pullPolicy(findings.player, policy, raw));
}

/**
 * Adds the images that podman mounts into a container, without pulling them (play.go,
 * `prepareAutomountImages`).
 */
function mountedImages(notes: Annotations, container: string, findings: Findings): void {
  const name = `io.podman.annotations.kube.image.automount/${container}`;
  const value = notes.entries.get(name);
  if (value === undefined) return;
  const key = `${notes.key}["${name.slice(0, 200)}"]`;
  const raw = value.kind === 'scalar' ? value.value : undefined;
  if (raw === '') return;
  if (typeof raw !== 'string') {
    findings.malformed(value.line, key, 'names of images with ; between them');
    return;
  }
  for (const text of raw.split(';')) {
    if (!findings.step(value.line)) return;
    findings.image({ kind: 'scalar', line: value.line, value: text }, key, () => 'never');
  }
}
