import { append } from '../../common/append.ts';
import { problemOf } from '../../root/problem-of.ts';
import { RootError } from '../../root/root.ts';
import type { Problem } from '../problem.ts';
import type { Found, SourceContext } from '../source.ts';
import { ClusterFiles } from './cluster-files.ts';
import { kubeletConfig } from './kubelet-config.ts';
import { kubeletAt } from './kubelet-drop-ins.ts';
import { podsOfKubelet } from './pod-files.ts';
import type { FlagsOf, ProgramFlags } from './program-flag.ts';
import { podRuntime } from './runtime.ts';

/**
 * Finds the images that the kubelet runs without asking a cluster: those of static pods, which are
 * files of the root, and the pause image that its command line names.
 *
 * @param flagsOf reads the command line of the kubelet, which goes before its configuration.
 */
export async function staticPods(context: SourceContext, flagsOf: FlagsOf): Promise<Found> {
  const problems: Problem[] = [];
  const flags = flagsOf('kubelet.service');
  if (flags === undefined && !hasKubelet(context, problems)) return { references: [], problems };
  const config = await kubeletConfig(context, flags);
  append(problems, config.problems);
  const runtime = podRuntime(config.endpoint, context);
  const files = new ClusterFiles(context, 'kubelet.service', runtime);
  const { staticPodPath } = config;
  if (staticPodPath !== undefined && staticPodPath !== '') {
    await podsOfKubelet(staticPodPath, files);
  }
  pauseImage(flags, files);
  append(problems, files.problems);
  return { references: files.references, problems };
}

/**
 * Adds the pause image that the command line names. dockershim ran it; since Kubernetes 1.24 the
 * kubelet only keeps it from being removed, so distributions name what the engine runs.
 */
function pauseImage(flags: ProgramFlags | undefined, files: ClusterFiles): void {
  const option = '--pod-infra-container-image';
  const flag = flags?.last(option);
  if (flag !== undefined && flag.text !== '') files.addFlag(option, flag, 'pause');
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
