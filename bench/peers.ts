import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildImage, type Layer } from '../test/support/image-builder.ts';
import { startRegistry } from '../test/support/registry.ts';
import { berth, type Command, run, timed } from './measure.ts';

/** Images to be brought from one registry, and who brings them: each from nothing, in seconds. */
export interface Peers {
  readonly berth: () => Promise<number>;
  /** To an OCI layout, one image after the other: what it has, it does not fetch again. */
  readonly copy: () => Promise<number>;
  /** To directories, which is all it can. */
  readonly sync: () => Promise<number>;
  readonly command: Command;
  /** Of one image, into `layout`. */
  readonly copyOf: (name: string) => Command;
  /** Where berth puts the blobs, and where `copy` does. */
  readonly store: string;
  readonly layout: string;
  readonly clear: () => void;
}

/**
 * @param names without the host.
 * @param skopeo the words that run it.
 */
export function setUpPeers(
  directory: string,
  host: string,
  names: readonly string[],
  [program = '', ...before]: readonly string[] = ['skopeo'],
): Peers {
  const root = join(directory, 'root');
  const units = join(root, 'usr/share/containers/systemd');
  const config = join(directory, 'home/.config/containers');
  for (const path of [units, config]) mkdirSync(path, { recursive: true });
  for (const [i, name] of names.entries()) {
    writeFileSync(join(units, `app${i}.container`), `[Container]\nImage=${host}/${name}\n`);
  }
  const registries = join(directory, 'registries.conf');
  writeFileSync(registries, `[[registry]]\nlocation = "${host}"\ninsecure = true\n`);
  writeFileSync(join(config, 'policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}');
  const state = join(directory, 'state');
  const environment = {
    HOME: join(directory, 'home'),
    CONTAINERS_REGISTRIES_CONF: registries,
    BERTH_STATE_DIR: state,
  };
  const layout = join(directory, 'layout');
  const synced = join(directory, 'synced');
  const list = join(directory, 'sync.yaml');
  writeFileSync(list, syncList(host, names));
  const clear = () => {
    for (const path of [state, layout, synced]) rmSync(path, { recursive: true, force: true });
  };
  const staging = ['stage', '--engine', 'store', '--bind', 'all', '--progress', 'none', root];
  const command = { program: berth, words: staging, environment };
  const skopeo = (...words: string[]) => ({ program, words: [...before, ...words], environment });
  const flags = ['-q', '--src-tls-verify=false'];
  const copyOf = (name: string) =>
    skopeo('copy', ...flags, `docker://${host}/${name}`, `oci:${layout}:${name}`);
  return {
    command,
    copyOf,
    store: join(state, 'store'),
    layout,
    clear,
    berth: async () => {
      clear();
      return timed(command);
    },
    copy: async () => {
      clear();
      let total = 0;
      for (const name of names) total += await timed(copyOf(name));
      return total;
    },
    sync: async () => {
      clear();
      mkdirSync(synced);
      return timed(skopeo('sync', '--scoped', '--src', 'yaml', '--dest', 'dir', list, synced));
    },
  };
}

function syncList(host: string, names: readonly string[]): string {
  const images = names.map((name) => {
    const [, path = '', tag = ''] = /^(.*):(.*)$/.exec(name) ?? [];
    return `    ${path}: ["${tag}"]\n`;
  });
  return `"${host}":\n  tls-verify: false\n  images:\n${images.join('')}`;
}

export interface BenchImage {
  /** Without the host. */
  readonly name: string;
  readonly layers: readonly Layer[];
}

/**
 * Pushes images into a registry with skopeo.
 *
 * @returns the paths of their blobs under `/v2/`, each blob once.
 */
export async function fill(host: string, images: readonly BenchImage[]): Promise<string[]> {
  const source = await startRegistry();
  const blobs = new Map<string, string>();
  try {
    for (const { name, layers } of images) {
      const image = buildImage({ layers });
      source.push(name, image);
      for (const digest of image.blobs.keys()) {
        blobs.set(digest, `/v2/${name.replace(/:.*/, '')}/blobs/${digest}`);
      }
      const flags = ['--src-tls-verify=false', '--dest-tls-verify=false'];
      const [from, to] = [`docker://${source.host}/${name}`, `docker://${host}/${name}`];
      await run({
        program: 'skopeo',
        words: ['--insecure-policy', 'copy', '-q', ...flags, from, to],
      });
    }
  } finally {
    await source.close();
  }
  return [...blobs.values()];
}
