import { posix } from 'node:path';
import { append } from '../../common/append.ts';
import { problemOf } from '../../root/problem-of.ts';
import { RootError } from '../../root/root.ts';
import { followed } from '../../systemd/etc.ts';
import type { Problem } from '../problem.ts';
import type { SourceContext } from '../source.ts';
import { readDocuments } from './documents.ts';
import type { RuntimeEndpoint } from './runtime.ts';
import type { Value } from './value.ts';

export interface KubeletConfig {
  /** The directory or file of the static pods, as a path in the booted root. */
  readonly staticPodPath: string;
  readonly endpoint?: RuntimeEndpoint;
  readonly problems: readonly Problem[];
}

/**
 * The settings of the kubelet: those of the first configuration file that exists, overridden by the
 * drop-ins in order. Static pods are by default in kubeadm's directory.
 *
 * Source: kubelet-config.v1beta1. The paths are those of kubeadm, OpenShift (whose kubelet.conf is
 * a configuration, while kubeadm's is a kubeconfig) and Amazon Linux.
 */
export async function kubeletConfig(context: SourceContext): Promise<KubeletConfig> {
  const { etc } = context;
  const problems: Problem[] = [];
  let found: Settings = {};
  for (const path of [
    '/var/lib/kubelet/config.yaml',
    `${etc}/kubernetes/kubelet.conf`,
    `${etc}/kubernetes/kubelet-config.yaml`,
    `${etc}/kubernetes/kubelet/config.yaml`,
    `${etc}/kubernetes/kubelet/config.json`,
    `${etc}/kubernetes/kubelet/kubelet-config.json`,
  ]) {
    const config = await configAt(path, context, problems);
    if (config === undefined) continue;
    found = config;
    break;
  }
  for (const directory of [`${etc}/kubernetes/kubelet.conf.d`, `${etc}/openshift/kubelet.conf.d`]) {
    for (const name of namesIn(directory, context, problems)) {
      if (!name.endsWith('.conf')) continue;
      const config = await configAt(`${directory}/${name}`, context, problems);
      found = { ...found, ...config };
    }
  }
  return { staticPodPath: '/etc/kubernetes/manifests', ...found, problems };
}

type Settings = Partial<Omit<KubeletConfig, 'problems'>>;

/** @returns undefined if the file does not exist or is not a configuration of the kubelet. */
async function configAt(
  path: string,
  { root, etc }: SourceContext,
  problems: Problem[],
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
    const booted = etc === '/usr/etc' && path.startsWith('/usr/etc/') ? path.slice(4) : path;
    return {
      ...(written ? { staticPodPath: posix.resolve(posix.dirname(booted), written) } : {}),
      ...(endpoint ? { endpoint: { path, text: endpoint } } : {}),
    };
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    problems.push({ ...problemOf(error), subject: kubeletAt(path) });
    return undefined;
  }
}

function namesIn(
  directory: string,
  { root, etc }: SourceContext,
  problems: Problem[],
): readonly string[] {
  try {
    const entries = root.list(followed(root, etc, directory)) ?? [];
    if (entries.length <= maxDropIns) return entries.map(({ name }) => name);
    problems.push({
      code: 'too-many-entries',
      path: directory,
      message: `expected at most ${maxDropIns} drop-ins of the kubelet's configuration, found more`,
      hint: 'merge them into fewer files; all of them are ignored',
      subject: kubeletAt(directory),
    });
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    problems.push({ ...problemOf(error), subject: kubeletAt(directory) });
  }
  return [];
}

const maxDropIns = 64;

/** The subject of a problem with a file of the kubelet. */
export function kubeletAt(unitPath: string) {
  return { unitPath, unit: 'kubelet.service' };
}

function textAt(value: Value, key: string): string | undefined {
  const found = value.kind === 'map' ? value.entries.get(key) : undefined;
  return found?.kind === 'scalar' && typeof found.value === 'string' ? found.value : undefined;
}
