import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** In bytes. The administrator's own files are a few hundred; a larger one is passed over. */
const LARGEST = 1024 * 1024;

/**
 * The runtime's socket that the settings of k3s, RKE2 (`container-runtime-endpoint`) or k0s (`cri-socket`) name on this
 * machine: then the service starts no containerd of its own. The command line counts before configuration.
 *
 * @param service without its suffix: `rke2-server`.
 * @param units the directories with the units of services, the first before the others.
 * @param configurations the directory with the configuration of k3s and RKE2.
 */
export function endpointGivenTo(
  service: string,
  units: readonly string[],
  configurations = '/etc/rancher',
): string | undefined {
  const [program = ''] = service.split('-');
  const directory = join(configurations, program);
  const unit = units.map((one) => join(one, `${service}.service`)).find((path) => textOf(path));
  const files = [
    join(directory, 'config.yaml'),
    ...filesIn(join(directory, 'config.yaml.d'), '.yaml'),
    ...(unit === undefined ? [] : [unit]),
    ...units.flatMap((one) => filesIn(join(one, `${service}.service.d`), '.conf')),
  ];
  return files.flatMap((path) => endpointsIn(textOf(path))).at(-1);
}

/** The sockets that a file names. In a unit, a line that ends with a backslash goes on in the next line. */
function endpointsIn(text: string): readonly string[] {
  const found = text
    .replaceAll('\\\n', ' ')
    .matchAll(
      /^[^#\n]*?\b(?:container-runtime-endpoint|cri-socket)["']?(?:\s*[:=]|\s)\s*["']?(?:remote:)?(?:unix:\/\/)?(\/[^\s"']+)/gm,
    );
  return [...found].flatMap(([, path]) => path ?? []);
}

function filesIn(directory: string, suffix: string): readonly string[] {
  try {
    const names = readdirSync(directory).filter((name) => name.endsWith(suffix));
    return names.toSorted().map((name) => join(directory, name));
  } catch {
    return [];
  }
}

function textOf(path: string): string {
  try {
    const file = statSync(path);
    return file.isFile() && file.size <= LARGEST ? readFileSync(path, 'utf8') : '';
  } catch {
    return '';
  }
}
