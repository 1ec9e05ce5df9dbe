import type { Etc } from './etc.ts';

/** Which manager: the system's, or that of a user. */
export type Manager = 'system' | 'user';

/** The entry of the search path that stands for the units of generators. */
export const generatorDirectory = '/run/systemd/generator';

/**
 * The directories in which a manager looks for unit files, the first one first. Of a user's own
 * directories only those below the configuration directory are included.
 *
 * Source: systemd.unit(5), "Unit File Load Path"; systemd, src/libsystemd/sd-path/path-lookup.c.
 *
 * @param configuration the configuration directory of a single user: `/home/eve/.config`.
 */
export function unitSearchPath(
  etc: Etc,
  manager: Manager,
  configuration?: string,
): readonly string[] {
  const own = configuration === undefined ? [] : ['user.control', 'user'];

  return manager === 'system'
    ? [
        `${etc}/systemd/system.control`,
        '/run/systemd/system.control',
        '/run/systemd/transient',
        `${etc}/systemd/system`,
        `${etc}/systemd/system.attached`,
        '/run/systemd/system',
        '/run/systemd/system.attached',
        generatorDirectory,
        '/usr/local/lib/systemd/system',
        '/usr/lib/systemd/system',
        // Another path to the same directory wherever /usr is merged.
        '/lib/systemd/system',
      ]
    : [
        ...own.map((name) => `${configuration}/systemd/${name}`),
        `${etc}/xdg/systemd/user`,
        `${etc}/systemd/user`,
        '/run/systemd/user',
        generatorDirectory,
        '/usr/local/share/systemd/user',
        '/usr/share/systemd/user',
        '/usr/local/lib/systemd/user',
        '/usr/lib/systemd/user',
      ];
}
