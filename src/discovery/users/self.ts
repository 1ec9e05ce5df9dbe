import { posix } from 'node:path';
import type { EngineId } from '../../common/engine-id.ts';
import { type Etc, whereInTree } from '../../systemd/etc.ts';
import type { OwnDirectories } from '../../systemd/unit-search-path.ts';
import type { Accounts } from './accounts.ts';
import type { UserScope } from './user-scopes.ts';

/** The user for whom a run stages. The process has this user's rights, so the kernel judges what it may read. */
export interface Self {
  readonly uid: number;
  readonly gid: number;
  /** Absent for a UID without a name. */
  readonly name?: string;
  readonly home: string;
  readonly engine: EngineId;
  /** Whether only what this engine runs is wanted, and nothing of the system or of other users. */
  readonly alone: boolean;
  /** `$XDG_CONFIG_HOME`, if it is set: `.config` in the home by default. */
  readonly configuration?: string | undefined;
  /** `$XDG_DATA_HOME`, if it is set: `.local/share` in the home by default. */
  readonly data?: string | undefined;
  /** `$XDG_CACHE_HOME`, if it is set: `.cache` in the home by default. */
  readonly cache?: string | undefined;
  /** `$XDG_RUNTIME_DIR`. */
  readonly runtime?: string | undefined;
}

/** The user as the root knows the UID, or else as the running system does; with the user's own directories. */
export function scopeOfSelf(self: Self, etc: Etc, { byUid }: Accounts): UserScope {
  const account = byUid.get(self.uid) ?? {
    ...self,
    name: self.name ?? String(self.uid),
    shell: '',
  };
  return { uid: self.uid, account, own: directoriesOf(self, account.home, etc) };
}

/** Source: the XDG base directory specification; systemd and podman ignore relative paths, too. */
function directoriesOf(
  { configuration, data, runtime }: Self,
  home: string,
  etc: Etc,
): OwnDirectories {
  const place = (path: string) => whereInTree(etc, posix.resolve('/', path));
  return {
    configuration: place(configuration ?? posix.join(home, '.config')),
    data: place(data ?? posix.join(home, '.local/share')),
    ...(runtime === undefined ? {} : { runtime: place(runtime) }),
  };
}
