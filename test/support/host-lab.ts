import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DockerRegistry, runDockerRegistry, type Served } from './docker-registry.ts';
import { buildImage } from './image-builder.ts';
import { writeLayout } from './oci-layout.ts';
import {
  type Booted,
  type Ended,
  makeOstreeHost,
  type OstreeHost,
  type OstreeHostOptions,
} from './ostree-host.ts';

/** A host, a registry, and the images of an OS that runs containers. */
export interface HostLab extends OstreeHost {
  /** `127.0.0.1:PORT/NAME` */
  readonly name: (image: string) => string;
  /**
   * Pushes an image that runs for ever; returns its id.
   *
   * @param content of a file in it: any other makes another image.
   * @param bytes of more that is in it.
   * @param script that it runs instead, by its busybox.
   */
  readonly push: (image: string, content: string, bytes?: number, script?: string) => string;
  /** What the registry gave since it was started last. */
  readonly served: () => readonly Served[];
  readonly startRegistry: () => Promise<void>;
  readonly stopRegistry: () => Promise<void>;
}

/** When to give up what is waited for: far later than any busy machine. */
export const HANGS_S = '1800';

const units = 'usr/share/containers/systemd';

/** Starts the registry and prepares the host. */
export async function startHostLab(t: Ended, options: OstreeHostOptions): Promise<HostLab> {
  const host = makeOstreeHost(t, options);
  const directory = join(host.directory, 'registry');
  mkdirSync(directory);
  let registry: DockerRegistry | undefined = await runDockerRegistry(directory, { login: false });
  const address = registry.host;
  const port = address.slice(address.lastIndexOf(':') + 1);
  t.after(async () => registry?.stop());
  const name = (image: string) => `${address}/${image}`;
  const insecure = `[[registry]]\nlocation = "${address}"\ninsecure = true\n`;
  return {
    ...host,
    commit: (branch, files, change) =>
      host.commit(
        branch,
        { 'usr/etc/containers/registries.conf.d/test.conf': insecure, ...files },
        change,
      ),
    name,
    push: (image, ...words) => pushImage(host.directory, name(image), ...words),
    served: () => registry?.served() ?? [],
    startRegistry: async () => {
      registry = await runDockerRegistry(directory, { login: false, port });
    },
    stopRegistry: async () => {
      await registry?.stop();
      registry = undefined;
    },
  };
}

function pushImage(
  directory: string,
  name: string,
  content: string,
  bytes = 0,
  script?: string,
): string {
  const busybox = execFileSync('which', ['busybox'], { encoding: 'utf8' }).trim();
  const image = buildImage({
    layers: [
      { files: { 'bin/busybox': readFileSync(busybox) } },
      { files: { content, more: randomBytes(bytes) } },
    ],
    entrypoint: [
      '/bin/busybox',
      ...(script === undefined ? ['sleep', '2147483647'] : ['sh', '-c', script]),
    ],
  });
  const layout = mkdtempSync(join(directory, 'image-'));
  writeLayout(layout, 'it', image);
  execFileSync(
    'skopeo',
    ['copy', '--quiet', '--dest-tls-verify=false', `oci:${layout}:it`, `docker://${name}`],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const manifest: unknown = JSON.parse(image.top.content.toString());
  const { config } = manifest as { config: { digest: string } };
  return config.digest;
}

/** A container that is started at boot, bound by its own unit. */
export function service(name: string, image: string, more = ''): Record<string, string> {
  return {
    [`${units}/${name}.container`]: `[Container]\nImage=${image}\nContainerName=${name}\nNetwork=host\nPodmanArgs=--cgroups=disabled\nStopTimeout=0\n${more}\n[X-Berth]\nBind=yes\n[Install]\nWantedBy=multi-user.target\n`,
  };
}

export function imageUnit(name: string, image: string): Record<string, string> {
  return { [`${units}/${name}.image`]: `[Image]\nImage=${image}\n[X-Berth]\nBind=yes\n` };
}

/** The id of the image that a container runs. */
export function runs(host: Booted, container: string): string {
  return `sha256:${host.run('podman', 'inspect', '--format', '{{.Image}}', container)}`;
}

export function state(host: Booted, unit: string): string {
  return host.try('systemctl', 'is-active', unit).stdout.trim();
}

/**
 * Does something that makes berth-reconcile.service run, and waits for its end.
 *
 * @returns what it said.
 */
export function reconciledAfter(host: Booted, action: () => void): string {
  const cursor = /^-- cursor: (\S+)$/m.exec(
    host.run('journalctl', '-n', '0', '--show-cursor'),
  )?.[1];
  action();
  const follow = `journalctl --no-pager -f -n all --after-cursor='${cursor}' -u berth-reconcile.service`;
  const end = '(Finished|Failed to start) berth-reconcile';
  return host.run('timeout', HANGS_S, 'sh', '-c', `${follow} | sed -E '/${end}/q'`);
}
