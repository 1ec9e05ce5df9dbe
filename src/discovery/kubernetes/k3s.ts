import { engineUnknown, type Placement } from '../engines/placement.ts';
import type { Found, SourceContext } from '../source.ts';
import { ClusterFiles } from './cluster-files.ts';
import type { FlagsOf, ProgramFlags } from './program-flag.ts';
import { podRuntime } from './runtime.ts';
import { workloadImages } from './workload-images.ts';

const distributions = [
  { name: 'k3s', units: ['k3s.service', 'k3s-agent.service'] },
  { name: 'rke2', units: ['rke2-server.service', 'rke2-agent.service'] },
] as const;

/** Finds the images that k3s and rke2 run from files: static pods, manifests and lists. */
export async function k3sImages(context: SourceContext, flagsOf: FlagsOf): Promise<Found> {
  const found = [];
  for (const { name, units } of distributions) {
    const unit = units.find((one) => flagsOf(one) !== undefined) ?? units[0];
    const flags = flagsOf(unit);
    const usual = `/var/lib/rancher/${name}`;
    const files = new ClusterFiles(context, unit, placementOf(flags, context));
    const data = flags?.last('--data-dir') ?? flags?.last('-d');
    const directory = data === undefined || data.fault !== undefined ? usual : data.text;
    if (flags !== undefined || files.kindOf(directory) !== undefined) {
      await imagesOf(directory, flags, files);
    }
    found.push(files);
  }
  return {
    references: found.flatMap(({ references }) => references),
    problems: found.flatMap(({ problems }) => problems),
  };
}

async function imagesOf(
  data: string,
  flags: ProgramFlags | undefined,
  files: ClusterFiles,
): Promise<void> {
  const pause = flags?.last('--pause-image');
  if (pause !== undefined) {
    const { path, line, text, fault } = pause;
    if (fault === undefined) {
      const place = { path, realPath: path, text: '' };
      files.add(place, { raw: text, line, key: '--pause-image', policy: 'missing' });
    } else files.problem(path, line, fault);
  }
  await manifests(`${data}/agent/pod-manifests`, 'kubelet', 0, files);
  if (flags?.has('agent') !== true)
    await manifests(`${data}/server/manifests`, 'cluster', 0, files);
  for (const name of files.names(`${data}/agent/images`)) {
    if (name.endsWith('.txt')) listed(`${data}/agent/images/${name}`, files);
  }
}

async function manifests(
  directory: string,
  player: 'kubelet' | 'cluster',
  depth: number,
  files: ClusterFiles,
): Promise<void> {
  const names = files.names(directory);
  for (const name of names) {
    const path = `${directory}/${name}`;
    if (name.startsWith('.') || names.includes(`${name}.skip`)) continue;
    if (files.kindOf(path) === 'directory') {
      if (player === 'cluster' && depth < 8) await manifests(path, player, depth + 1, files);
      continue;
    }
    if (player === 'cluster' && !/\.(?:ya?ml|json)$/.test(name)) continue;
    const file = files.read(path);
    if (file === undefined) continue;
    const found = await workloadImages(file.text, { player });
    for (const fault of found.faults) files.problem(file.path, fault.line, fault);
    for (const image of found.images) files.add(file, image);
  }
}

/** Adds the images of a list, one name a line, which are pulled at the start. */
function listed(path: string, files: ClusterFiles): void {
  const file = files.read(path);
  file?.text.split('\n').forEach((text, index) => {
    const raw = text.trim();
    if (raw !== '') files.add(file, { raw, line: index + 1, key: 'list', policy: 'missing' });
  });
}

/** k3s and rke2 start a containerd of their own, whose socket and store are not the host's. */
function placementOf(flags: ProgramFlags | undefined, context: SourceContext): Placement {
  if (flags?.has('--docker') === true) return { engine: 'docker' };
  const endpoint = flags?.last('--container-runtime-endpoint');
  if (endpoint !== undefined) return podRuntime(endpoint, context);
  return engineUnknown(
    'expected an engine that berth reaches, found the containerd inside k3s or rke2, which is not the one of the host',
    'ship an archive in agent/images, or set --container-runtime-endpoint',
  );
}
