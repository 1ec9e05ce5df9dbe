/** Decides which file contents of an image stay in memory. Of all other files only names are kept. */
export class KeptContent {
  #bytes = 0;
  readonly #recent = new Map<string, Buffer>();
  #recentBytes = 0;

  /** Whether the content of a file has to be read from the layer. */
  wants(path: string, size: number): boolean {
    return size <= maxFile && (isObject(path) || this.#fits(path, size));
  }

  /**
   * The part of a file's content to keep. Objects of OSTree are kept for a while in any case: later
   * in the archive, hard links to them make them files of the tree (ostree-rs-ext, "container image
   * layout").
   */
  keep(path: string, content: Buffer): Buffer | undefined {
    if (isObject(path)) this.#remember(path, content);
    if (!this.#fits(path, content.length)) return undefined;
    this.#bytes += costOf(content.length);
    return Buffer.from(content);
  }

  /** Frees the space of a file that was replaced or removed. */
  release({ length }: Buffer): void {
    this.#bytes -= costOf(length);
  }

  recent(path: string): Buffer | undefined {
    return this.#recent.get(path);
  }

  #fits(path: string, size: number): boolean {
    // Data and homes can be gigabytes: half of the space is reserved for the system's own files.
    if (isUnder(path, roomy)) return this.#bytes + costOf(size) <= maxKept / 2;
    return isUnder(path, systems) && this.#bytes + costOf(size) <= maxKept;
  }

  #remember(path: string, content: Buffer): void {
    const before = this.#recent.get(path);
    if (before !== undefined) this.#recentBytes -= costOf(before.length);
    this.#recent.set(path, Buffer.from(content));
    this.#recentBytes += costOf(content.length);
    for (const [oldest, { length }] of this.#recent) {
      if (this.#recentBytes <= maxRecent) return;
      this.#recent.delete(oldest);
      this.#recentBytes -= costOf(length);
    }
  }
}

/** The memory that a content takes: an image can have a million files of a few bytes. */
function costOf(bytes: number): number {
  return bytes + 1024;
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
  'usr/lib/passwd',
  'usr/lib/tmpfiles.d',
  'usr/bin/docker',
  'usr/local/bin/docker',
  'bin/docker',
  'usr/share/containers',
  'usr/share/dbus-1',
  'usr/share/berth',
  'usr/lib/berth',
  'usr/lib/bootc',
  'usr/lib/containers',
  'usr/lib/os-release',
  'run/containers',
  'run/systemd',
  'run/tmpfiles.d',
  'var/lib/kubelet',
  'var/lib/systemd/linger',
];

const roomy = ['opt', 'home', 'root', 'srv', 'var/home', 'var/opt', 'var/srv', 'var/roothome'];

/** Programs that every system has; `architectureOf` reads their headers. */
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
