import { shortNamesOf } from '../engines/short-names.ts';
import { fileReference } from '../file-reference.ts';
import { imageOf } from '../image-value.ts';
import type { Problem } from '../problem.ts';
import type { Reference } from '../reference.ts';
import type { Found, SourceContext } from '../source.ts';
import { containerdImages } from './containerd-config.ts';
import { crioImages, pauseKey } from './crio-config.ts';
import type { ConfiguredImage } from './engine-config.ts';
import type { FlagsOf } from './program-flag.ts';

/**
 * Finds the images that the container engine of a Kubernetes node needs itself: the pause image,
 * whose process holds a pod's namespaces, and the images that CRI-O is configured to keep. The
 * default pause image depends on the engine's version, so it is not reported.
 */
export async function pauseImages(context: SourceContext, flagsOf: FlagsOf): Promise<Found> {
  const problems: Problem[] = [];
  const ofContainerd = await containerdImages(context, flagsOf, problems);
  const ofCrio = await crioImages(context, flagsOf, problems);
  const crio = flagged('crio.service', '--pause-image', flagsOf, problems);
  const docker = flagged('cri-docker.service', '--pod-infra-container-image', flagsOf, problems);
  const images = [
    ...ofContainerd,
    ...(crio === undefined ? ofCrio : [crio, ...ofCrio.filter(({ key }) => key !== pauseKey)]),
    ...(docker === undefined ? [] : [docker]),
  ];
  return { references: images.map((image) => reference(image, context)), problems };
}

/** The pause image that a flag of an engine's service names. */
function flagged(
  unit: ConfiguredImage['unit'],
  option: string,
  flagsOf: FlagsOf,
  problems: Problem[],
): ConfiguredImage | undefined {
  const flag = flagsOf(unit)?.last(option);
  if (flag === undefined || flag.text === '') return undefined;
  const { path, line, text, fault } = flag;
  if (fault === undefined) return { raw: text, path, line, key: option, unit };
  problems.push({ ...fault, path, line, subject: { unitPath: path, unit } });
  return undefined;
}

const engines = {
  'containerd.service': 'containerd',
  'cri-docker.service': 'docker',
  'crio.service': 'crio',
} as const;

function reference(
  { raw, path, line, key, unit }: ConfiguredImage,
  { shortNames }: SourceContext,
): Reference {
  const engine = engines[unit];
  const image = imageOf(raw, shortNamesOf(engine, shortNames));
  const named = { raw, line, key, kind: 'pause', unit, policy: 'missing' } as const;
  return { ...fileReference({ path }, named, image), engine };
}
