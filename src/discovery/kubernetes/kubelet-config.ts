import { posix } from 'node:path';
import { append } from '../../common/append.ts';
import { problemOf } from '../../root/problem-of.ts';
import { RootError } from '../../root/root.ts';
import { followed, whereInTree } from '../../systemd/etc.ts';
import type { Fault, Problem } from '../problem.ts';
import type { SourceContext } from '../source.ts';
import { readDocuments } from './documents.ts';
import { dropInsIn, kubeletAt } from './kubelet-drop-ins.ts';
import type { ProgramFlag, ProgramFlags } from './program-flag.ts';
import type { RuntimeEndpoint } from './runtime.ts';
import { textAt } from './value.ts';

export interface KubeletConfig {
  /** The directory or file of the static pods, as a path in the booted root; empty or absent if none. */
  readonly staticPodPath?: string;
  readonly endpoint?: RuntimeEndpoint;
  readonly problems: readonly Problem[];
}

/**
 * The settings of the kubelet: its flags, over the drop-ins of its configuration in order, over
 * its configuration. Without `--config` that is the first file that exists where distributions
 * keep it. Without a configuration, static pods are in kubeadm's directory.
 *
 * Source: kubelet(1), kubelet-config.v1beta1. The paths are those of kubeadm, OpenShift (whose
 * kubelet.conf is a configuration, while kubeadm's is a kubeconfig) and Amazon Linux.
 */
export async function kubeletConfig(
  context: SourceContext,
  flags?: ProgramFlags,
): Promise<KubeletConfig> {
  const { etc } = context;
  const problems: Problem[] = [];
  const file = pathOf(flags?.last('--config'), problems);
  const places = file === undefined ? usualFiles(etc) : [whereInTree(etc, file)];
  let found: Settings | undefined;
  for (const path of places) {
    found = await configAt(path, context, problems);
    if (found !== undefined) break;
  }
  const isExact = file !== undefined && found !== undefined;
  // kubeadm and others write files in /var when the node joins its cluster.
  if (file !== undefined && found === undefined && !file.startsWith('/var/')) {
    problems.push(flagProblem(flags?.last('--config'), missingConfig));
  }
  const directory = pathOf(flags?.last('--config-dir'), problems);
  const usual = isExact ? [] : usualDirectories(etc);
  for (const path of directory === undefined ? usual : [whereInTree(etc, directory)]) {
    for (const dropIn of dropInsIn(path, context, problems)) {
      found = { ...found, ...(await configAt(dropIn, context, problems, '/')) };
    }
  }
  const ofFlags = settingsOfFlags(flags, problems);
  const byDefault = isExact ? {} : { staticPodPath: '/etc/kubernetes/manifests' };
  return { ...byDefault, ...found, ...ofFlags, problems };
}

function usualFiles(etc: string): readonly string[] {
  return [
    '/var/lib/kubelet/config.yaml',
    `${etc}/kubernetes/kubelet.conf`,
    `${etc}/kubernetes/kubelet-config.yaml`,
    `${etc}/kubernetes/kubelet/config.yaml`,
    `${etc}/kubernetes/kubelet/config.json`,
    `${etc}/kubernetes/kubelet/kubelet-config.json`,
  ];
}

function usualDirectories(etc: string): readonly string[] {
  return [`${etc}/kubernetes/kubelet.conf.d`, `${etc}/openshift/kubelet.conf.d`];
}

/** The settings that flags override, and the problems of flags that can't be followed. */
function settingsOfFlags(flags: ProgramFlags | undefined, problems: Problem[]): Settings {
  if (flags === undefined) return {};
  for (const word of flags.unknown) {
    if (word.fault !== undefined) problems.push(flagProblem(word, word.fault));
  }
  const url = flags.last('--manifest-url');
  if (url !== undefined && url.text !== '') problems.push(flagProblem(url, remotePods));
  const manifests = flags.last('--pod-manifest-path');
  const isOff = manifests?.text === '' && manifests.fault === undefined;
  const staticPodPath = isOff ? '' : pathOf(manifests, problems);
  const endpoint = flags.last('--container-runtime-endpoint');
  return {
    ...(staticPodPath === undefined ? {} : { staticPodPath }),
    ...(endpoint === undefined ? {} : { endpoint }),
  };
}

/** The absolute path that a flag names; a service of the system starts in `/`. */
function pathOf(flag: ProgramFlag | undefined, problems: Problem[]): string | undefined {
  if (flag === undefined || flag.text === '') return undefined;
  if (flag.fault === undefined) return posix.resolve('/', flag.text);
  problems.push(flagProblem(flag, flag.fault));
  return undefined;
}

function flagProblem(flag: ProgramFlag | undefined, { code, message, hint }: Fault): Problem {
  const path = flag?.path ?? '';
  const line = flag === undefined ? {} : { line: flag.line };
  return { code, path, ...line, message, hint, subject: kubeletAt(path) };
}

const remotePods: Fault = {
  code: 'kube-unread',
  message: 'expected static pods in files, found an address from which the kubelet fetches them',
  hint: 'ship the pods as files of staticPodPath, or list their images in images.d',
};

const missingConfig: Fault = {
  code: 'cited-file',
  message: "expected the kubelet's configuration, found no such file, or one of another kind",
  hint: 'ship the file that --config names',
};

type Settings = Partial<Omit<KubeletConfig, 'problems'>>;

/**
 * @param base where relative paths begin, by default the directory of the file.
 * @returns undefined if the file does not exist or is not a configuration of the kubelet.
 */
async function configAt(
  path: string,
  { root, etc }: SourceContext,
  problems: Problem[],
  base = posix.dirname(bootedPath(etc, path)),
): Promise<Settings | undefined> {
  try {
    const file = root.readFile(followed(root, etc, path));
    if (file === undefined) return undefined;
    const { documents, faults } = await readDocuments(file.content.toString());
    append(
      problems,
      faults.map((fault) => ({ ...fault, path, subject: kubeletAt(path) })),
    );
    const config = documents.find(
      (document) => textAt(document, 'kind') === 'KubeletConfiguration',
    );
    if (config === undefined) return undefined;
    const written = textAt(config, 'staticPodPath');
    const endpoint = textAt(config, 'containerRuntimeEndpoint');
    if (textAt(config, 'staticPodURL')) {
      problems.push({ ...remotePods, path, line: config.line, subject: kubeletAt(path) });
    }
    return {
      // A drop-in with an empty path switches static pods off.
      ...(written === undefined ? {} : { staticPodPath: written && posix.resolve(base, written) }),
      ...(endpoint ? { endpoint: { path, text: endpoint } } : {}),
    };
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    problems.push({ ...problemOf(error), subject: kubeletAt(path) });
    return undefined;
  }
}

/** The path at which the booted root has a file of the tree. */
function bootedPath(etc: string, path: string): string {
  return etc === '/usr/etc' && path.startsWith('/usr/etc/') ? path.slice('/usr'.length) : path;
}
