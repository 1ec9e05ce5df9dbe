import { type Root, RootError } from '../../root/root.ts';
import { type Etc, followed } from '../etc.ts';
import { configurationPlaces, systemPlaces } from './extensions.ts';

/** The programs of a root that make units at boot. */
export interface UnitMakers {
  /** Whether one of them may make a unit of that name. */
  readonly mayMake: (name: string) => boolean;
}

/**
 * Generators that make no service, socket, target, timer or path unit, or whose units berth knows.
 *
 * Source: systemd 257, src/*-generator; ostree, src/switchroot.
 */
const read: ReadonlySet<string> = new Set([
  'ostree-system-generator',
  'podman-system-generator',
  'systemd-bless-boot-generator',
  'systemd-debug-generator',
  'systemd-fstab-generator',
  'systemd-getty-generator',
  'systemd-gpt-auto-generator',
  'systemd-hibernate-resume-generator',
  'systemd-rc-local-generator',
  'systemd-run-generator',
  'systemd-ssh-generator',
  'systemd-system-update-generator',
  'systemd-sysv-generator',
  'systemd-tpm2-generator',
]);

const vendorExtensions = ['/usr/lib/extensions', '/usr/local/lib/extensions'];

/** The types of units that exist only if a file or program makes them, unlike devices and slices. */
const needsFile = /\.(?:service|socket|target|timer|path)$/;

/** Reads which generators a root has. A tree without systemd is only a part of a system. */
export function unitMakers(root: Root, etc: Etc): UnitMakers {
  const systemd = namesIn(root, etc, '/usr/lib/systemd');
  const others = ['/usr/lib/systemd', '/usr/local/lib/systemd', `${etc}/systemd`].some((place) =>
    namesIn(root, etc, `${place}/system-generators`).some((name) => !read.has(name)),
  );
  const scripts = new Set(namesIn(root, etc, `${etc}/init.d`));
  // An extension may bring units, and not all of them are read.
  const extensions = [...systemPlaces(etc), ...configurationPlaces, ...vendorExtensions];
  const isExtended = extensions.some((place) => namesIn(root, etc, place).length > 0);
  const knowsAll = systemd.includes('systemd') && !others && !isExtended;
  return {
    mayMake: (name) =>
      !knowsAll ||
      !needsFile.test(name) ||
      scripts.has(name.replace(/\.[^.]*$/, '')) ||
      // fstab's, one for each device.
      name.startsWith('systemd-'),
  };
}

/** The names in a directory; a directory that can't be listed may hold anything. */
function namesIn(root: Root, etc: Etc, directory: string): readonly string[] {
  try {
    return (root.list(followed(root, etc, directory)) ?? []).map(({ name }) => name);
  } catch (error) {
    if (error instanceof RootError) return ['?'];
    throw error;
  }
}
