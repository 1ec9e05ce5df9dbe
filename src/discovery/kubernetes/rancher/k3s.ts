import { posix } from 'node:path';
import { append } from '../../../common/append.ts';
import type { Placement } from '../../engines/placement.ts';
import type { Fault } from '../../problem.ts';
import type { Found, SourceContext } from '../../source.ts';
import { ClusterFiles } from '../cluster-files.ts';
import { podsOfKubelet } from '../pod-files.ts';
import type { FlagsOf, ProgramFlag, ProgramFlags } from '../program-flag.ts';
import { podRuntime } from '../runtime.ts';
import { deployed } from './deployed.ts';
import { preloaded } from './preloaded.ts';
import { type Settings, settingsOf } from './settings.ts';

/** A program that is a whole Kubernetes, and its services. */
interface Distribution {
  readonly program: 'k3s' | 'rke2';
  readonly server: string;
  readonly agent: string;
  /** The flags that name an image which only servers run, and those of every node. */
  readonly serverImages: readonly string[];
  readonly images: readonly string[];
}

const distributions: readonly Distribution[] = [
  {
    program: 'k3s',
    server: 'k3s.service',
    agent: 'k3s-agent.service',
    serverImages: ['helm-job-image'],
    images: ['pause-image'],
  },
  {
    program: 'rke2',
    server: 'rke2-server.service',
    agent: 'rke2-agent.service',
    serverImages: [
      'cloud-controller-manager-image',
      'etcd-image',
      'kube-apiserver-image',
      'kube-controller-manager-image',
      'kube-scheduler-image',
    ],
    images: ['kube-proxy-image', 'pause-image', 'runtime-image'],
  },
];

/**
 * Finds the images that k3s and rke2 run: those of static pods, manifests and lists in their data
 * directory, and those that their settings name.
 */
export async function k3sImages(context: SourceContext, flagsOf: FlagsOf): Promise<Found> {
  const found: Found[] = [];
  for (const distribution of distributions) {
    const units = [distribution.server, distribution.agent].filter((unit) => flagsOf(unit));
    // Without a unit, perhaps an installer makes it on the host.
    for (const unit of units.length === 0 ? [distribution.server] : units) {
      append(found, await imagesOf(distribution, unit, flagsOf(unit), context));
    }
  }
  return {
    references: found.flatMap(({ references }) => references),
    problems: found.flatMap(({ problems }) => problems),
  };
}

async function imagesOf(
  distribution: Distribution,
  unit: string,
  flags: ProgramFlags | undefined,
  context: SourceContext,
): Promise<readonly Found[]> {
  const configuration = new ClusterFiles(context, unit, {});
  const usual = `/var/lib/rancher/${distribution.program}`;
  // Most roots have neither a service nor data of it.
  if (flags === undefined && configuration.kindOf(usual) === undefined) return [];
  const settings = await settingsOf(distribution.program, flags, configuration);
  // A server without an agent runs no pods.
  if (settings.isOn('disable-agent')) return [configuration];
  const files = new ClusterFiles(context, unit, placementOf(settings, context));
  const isServer = unit === distribution.server && flags?.has('agent') !== true;
  const data = pathOf(settings.last('data-dir'), files) ?? usual;
  namedImages(distribution, isServer, settings, files);
  await podsOfKubelet(staticPodsOf(settings, data, files), files);
  if (isServer) await deployed(`${data}/server/manifests`, disabledBy(settings), files);
  const isPreloaded = preloaded(`${data}/agent/images`, files);
  if (flags !== undefined && !isPreloaded) {
    files.problem(flags.place.path, flags.place.line, ownImages(distribution.program));
  }
  return [configuration, files];
}

/** Adds the images that the settings name. */
function namedImages(
  { program, images, serverImages }: Distribution,
  isServer: boolean,
  settings: Settings,
  files: ClusterFiles,
): void {
  const registry =
    program === 'k3s' && isServer ? settings.last('system-default-registry') : undefined;
  for (const name of isServer ? [...images, ...serverImages] : images) {
    const flag = settings.last(name);
    if (flag === undefined || flag.text === '') continue;
    files.addFlag(`--${name}`, name === 'pause-image' ? inRegistry(flag, registry) : flag);
  }
}

/**
 * The pause image in the registry of the system's images.
 *
 * Source: k3s, pkg/agent/config/config.go, "Apply SystemDefaultRegistry to PauseImage".
 */
function inRegistry(image: ProgramFlag, registry: ProgramFlag | undefined): ProgramFlag {
  if (registry === undefined || image.text.startsWith(registry.text)) return image;
  const { fault } = registry;
  const text = `${registry.text}/${image.text}`;
  return { ...image, text, ...(fault === undefined ? {} : { fault }) };
}

/** The directory of the static pods, which `--kubelet-arg` may move. */
function staticPodsOf(settings: Settings, data: string, files: ClusterFiles): string {
  let path = `${data}/agent/pod-manifests`;
  for (const argument of settings.all('kubelet-arg')) {
    const [name = '', ...value] = argument.text.replace(/^--/, '').split('=');
    if (name === 'pod-manifest-path') path = posix.resolve('/', value.join('='));
    if (name === 'config' || name === 'config-dir') {
      files.problem(argument.path, argument.line, kubeletConfiguration);
    }
  }
  return path;
}

function disabledBy(settings: Settings): ReadonlySet<string> {
  const names = settings.all('disable').flatMap(({ text }) => text.split(','));
  return new Set(names.map((name) => name.trim()).filter((name) => name !== ''));
}

function pathOf(flag: ProgramFlag | undefined, files: ClusterFiles): string | undefined {
  if (flag === undefined || flag.text === '') return undefined;
  if (flag.fault === undefined) return posix.resolve('/', flag.text);
  files.problem(flag.path, flag.line, flag.fault);
  return undefined;
}

/** By default k3s and rke2 start a containerd of their own, which is the engine `containerd` on their host. */
function placementOf(settings: Settings, context: SourceContext): Placement {
  if (settings.isOn('docker')) return { engine: 'docker' };
  const endpoint = settings.last('container-runtime-endpoint');
  if (endpoint !== undefined && endpoint.text !== '') return podRuntime(endpoint, context);
  return { engine: 'containerd' };
}

function ownImages(program: string): Fault {
  return {
    code: 'kube-unread',
    message: `expected the images of ${program}'s own components in agent/images, found no archive and no list; their names are inside the program`,
    hint: `ship the airgap archive or list of images of this release of ${program}`,
  };
}

const kubeletConfiguration: Fault = {
  code: 'kube-unread',
  message:
    'expected static pods in agent/pod-manifests, found another configuration of the kubelet, which berth does not read',
  hint: 'name the directory with --kubelet-arg=pod-manifest-path=, or list the images in images.d',
};
