import type { Etc } from './etc.ts';

/** Which manager: the system's, or that of a user. */
export type Manager = 'system' | 'user';

/** The entry of the search path that stands for the units of generators. */
export const generatorDirectory = '/run/systemd/generator';

/** The directories of a single user that hold units. */
export interface OwnDirectories {
  /** `/home/eve/.config` */
  readonly configuration: string;
  /** `/home/eve/.local/share` */
  readonly data?: string;
  /** `/run/user/1000` */
  readonly runtime?: string;
}

/**
 * The directories in which a manager looks for unit files, the first one first.
 *
 * Source: systemd.unit(5), "Unit File Load Path"; systemd, src/libsystemd/sd-path/path-lookup.c.
 *
 * @param own the directories of the user whose manager it is, if that is a single user.
 */
export function unitSearchPath(
  etc: Etc,
  manager: Manager,
  own?: OwnDirectories,
): readonly string[] {
  const { configuration, data, runtime } = own ?? {};
  const below = (directory: string | undefined, ...names: readonly string[]) =>
    directory === undefined ? [] : names.map((name) => `${directory}/systemd/${name}`);
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
        ...below(configuration, 'user.control'),
        ...below(runtime, 'user.control', 'transient'),
        ...below(configuration, 'user'),
        `${etc}/xdg/systemd/user`,
        `${etc}/systemd/user`,
        ...below(runtime, 'user'),
        '/run/systemd/user',
        generatorDirectory,
        ...below(data, 'user'),
        '/usr/local/share/systemd/user',
        '/usr/share/systemd/user',
        '/usr/local/lib/systemd/user',
        '/usr/lib/systemd/user',
      ];
}
