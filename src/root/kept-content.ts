/** Which contents of an image stay in memory: the rest is known by name alone. */
export class KeptContent {
  #bytes = 0;
  readonly #recent = new Map<string, Buffer>();
  #recentBytes = 0;

  /** Whether the content of a file is to be read from the layer at all. */
  wants(path: string, size: number): boolean {
    return size <= maxFile && (isObject(path) || this.#fits(path, size));
  }

  /**
   * What to hold of a file, now that its content is known. An object of OSTree is held for a
   * while: the file that it is follows in the archive as a hard link to it (ostree-rs-ext,
   * "container image layout").
   */
  keep(path: string, content: Buffer): Buffer | undefined {
    if (isObject(path)) this.#remember(path, content);
    if (!this.#fits(path, content.length)) return undefined;
    this.#bytes += content.length;
    return Buffer.from(content);
  }

  /** Of a file that is no longer there. */
  release(bytes: number): void {
    this.#bytes -= bytes;
  }

  recent(path: string): Buffer | undefined {
    return this.#recent.get(path);
  }

  #fits(path: string, size: number): boolean {
    // Data and homes come by the gigabyte: they leave room for what the system is made of.
    if (isUnder(path, roomy)) return this.#bytes + size <= maxKept / 2;
    return isUnder(path, systems) && this.#bytes + size <= maxKept;
  }

  #remember(path: string, content: Buffer): void {
    this.#recent.set(path, Buffer.from(content));
    this.#recentBytes += content.length;
    for (const [oldest, { length }] of this.#recent) {
      if (this.#recentBytes <= maxRecent) return;
      this.#recent.delete(oldest);
      this.#recentBytes -= length;
    }
  }
}

const maxFile = 1024 * 1024;
const maxKept = 64 * 1024 * 1024;
const maxRecent = 8 * 1024 * 1024;

const systems = [
  'etc',
  'usr/etc',
  'usr/lib/systemd',
  'lib/systemd',
  'usr/local/lib/systemd',
  'usr/share/containers',
  'usr/share/dbus-1',
  'usr/share/berth',
  'usr/lib/berth',
  'usr/lib/bootc',
  'usr/lib/containers',
  'usr/lib/os-release',
  'run/containers',
  'run/systemd',
  'var/lib/kubelet',
  'var/lib/systemd/linger',
];

const roomy = ['opt', 'home', 'root', 'srv', 'var/home', 'var/opt', 'var/srv', 'var/roothome'];

/** Programs that every system has, by which `architectureOf` tells what it runs on. */
export const programs: readonly string[] = [
  'usr/lib/systemd/systemd',
  'lib/systemd/systemd',
  'sbin/init',
  'usr/sbin/init',
  'usr/bin/sh',
  'bin/sh',
  'usr/bin/dash',
  'usr/bin/bash',
  'bin/dash',
  'bin/bash',
  'bin/busybox',
];

function isUnder(path: string, prefixes: readonly string[]): boolean {
  return prefixes.some(
    (prefix) =>
      path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === '/'),
  );
}

function isObject(path: string): boolean {
  return path.startsWith('sysroot/ostree/repo/objects/') || path.startsWith('ostree/repo/objects/');
}
