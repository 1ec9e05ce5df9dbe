import { append } from '../../common/append.ts';
import { problemOf } from '../../root/problem-of.ts';
import { RootError } from '../../root/root.ts';
import { followed, whereInTree } from '../../systemd/etc.ts';
import { placed } from '../engines/placement.ts';
import { imageOf } from '../image-value.ts';
import type { Fault, Problem } from '../problem.ts';
import type { Reference } from '../reference.ts';
import type { Found, SourceContext } from '../source.ts';
import { type KubeImage } from './findings.ts';
import { kubeletAt, kubeletConfig } from './kubelet-config.ts';
import type { FlagsOf } from './program-flag.ts';
import { podRuntime } from './runtime.ts';
import { workloadImages } from './workload-images.ts';

/** The limit for all manifests together; real ones have a few kilobytes each. */
const maxBytes = 4 * 1024 * 1024;

/**
 * Finds the images of static pods, which the kubelet runs from files without asking a cluster.
 *
 * @param flagsOf reads the command line of the kubelet, which goes before its configuration.
 */
export async function staticPods(context: SourceContext, flagsOf: FlagsOf): Promise<Found> {
  const { root, etc } = context;
  const problems: Problem[] = [];
  const references: Reference[] = [];
  const flags = flagsOf('kubelet.service');
  if (flags === undefined && !hasKubelet(context, problems)) return { references, problems };
  const config = await kubeletConfig(context, flags);
  append(problems, config.problems);
  let left = maxBytes;
  const { staticPodPath } = config;
  const paths =
    staticPodPath === undefined
      ? []
      : manifests(whereInTree(etc, staticPodPath), context, problems);
  for (const path of paths) {
    try {
      const file = root.readFile(followed(root, etc, path));
      if (file === undefined) {
        problems.push(problem(path, danglingLink));
        continue;
      }
      left -= file.content.length;
      if (left < 0) {
        problems.push(problem(path, tooLarge));
        break;
      }
      const manifest = { path, realPath: file.realPath };
      const found = await workloadImages(file.content.toString(), { player: 'kubelet' });
      append(
        problems,
        found.faults.map((fault) => problem(path, fault)),
      );
      append(
        references,
        found.images.map((image) => reference(manifest, image, context)),
      );
    } catch (error) {
      if (!(error instanceof RootError)) throw error;
      problems.push(problem(path, error));
    }
  }
  if (references.length === 0) return { references, problems };
  const runtime = podRuntime(config.endpoint, context);
  return { references: references.map((reference) => placed(reference, runtime)), problems };
}

function hasKubelet({ root, etc }: SourceContext, problems: Problem[]): boolean {
  return [`${etc}/kubernetes`, '/var/lib/kubelet'].some((path) => {
    try {
      return root.lookup(path) !== undefined;
    } catch (error) {
      if (!(error instanceof RootError)) throw error;
      problems.push({ ...problemOf(error), subject: kubeletAt(path) });
      return false;
    }
  });
}

/**
 * The files that the kubelet reads: `path` itself if it is a file, else the files in the directory
 * whose names do not begin with a dot. Subdirectories are not read.
 *
 * Source: kubernetes, pkg/kubelet/config/file.go.
 */
function manifests(
  path: string,
  { root, etc }: SourceContext,
  problems: Problem[],
): readonly string[] {
  try {
    const at = followed(root, etc, path);
    if (root.lookup(at)?.kind === 'file') return [path];
    return (root.list(at) ?? [])
      .filter(({ name, kind }) => !name.startsWith('.') && kind !== 'directory')
      .map(({ name }) => `${path}/${name}`);
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    problems.push(problem(path, error));
    return [];
  }
}

function reference(
  { path, realPath }: { readonly path: string; readonly realPath: string },
  { raw, line, key, policy }: KubeImage,
  { shortNames }: SourceContext,
): Reference {
  const image = imageOf(raw, shortNames);
  return {
    raw,
    path,
    line,
    key,
    kind: 'kubernetes',
    unit: 'kubelet.service',
    unitPath: path,
    ...(realPath === path ? {} : { unitRealPath: realPath }),
    scope: 'system',
    activation: 'unknown',
    via: [],
    ...(image.ok ? { image: image.image } : {}),
    pull: { policy },
    problems: [
      ...(image.ok ? [] : [problem(path, { ...image.fault, line })]),
      ...(policy === 'always' ? [problem(path, { ...pullAlways, line })] : []),
    ],
  };
}

function problem(
  path: string,
  { code, line, message, hint }: Pick<Problem, 'code' | 'line' | 'message' | 'hint'>,
): Problem {
  return {
    code,
    path,
    ...(line === undefined ? {} : { line }),
    message,
    hint,
    subject: kubeletAt(path),
  };
}

const pullAlways: Fault = {
  code: 'pull-always',
  message:
    'expected a static pod that starts offline, found an image that the kubelet pulls at every start',
  hint: 'set imagePullPolicy: IfNotPresent; without it a name without a tag, or with :latest, means Always',
};

const danglingLink: Fault = {
  code: 'dangling-link',
  message: 'expected a manifest, found a link that leads nowhere inside the root',
  hint: 'ship the file that it leads to, or remove the link',
};

const tooLarge: Fault = {
  code: 'too-large',
  message: `expected at most ${maxBytes} bytes of static pods together, found more`,
  hint: 'remove files that are not manifests; this file and all after it are ignored',
};
