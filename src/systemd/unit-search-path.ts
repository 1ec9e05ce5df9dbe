import type { Etc } from './etc.ts';

/** The system's manager, or that of any user. */
export type Manager = 'system' | 'user';

/** Where in the search path the units of generators stand. */
export const generatorDirectory = '/run/systemd/generator';

/**
 * Where a manager looks for unit files, the first before the later. Of a user's own directories
 * only those below the configuration are read.
 *
 * Source: systemd.unit(5), "Unit File Load Path"; systemd, src/libsystemd/sd-path/path-lookup.c.
 *
 * @param configuration a user's own: `/home/eve/.config`.
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
        // The same directory again wherever /usr is merged.
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
