import { type EngineId, podmanOf } from '../../common/engine-id.ts';
import { lastOf } from '../../systemd/lookup.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import type { ExpandedUnit, Expander } from '../expander.ts';
import { type Accounts, uidOf } from '../users/accounts.ts';
import { engineUnknown, type Placement } from './placement.ts';

export interface UserContext {
  readonly accounts: Accounts;
  /** The podman of the user whose manager runs the unit. */
  readonly podman: Placement;
  readonly expander: Expander;
}

/**
 * The podman that a service calls: that of the user in `User=`. Only the system's manager starts
 * services as other users.
 *
 * Source: systemd.exec(5), "User/Group Identity"; systemd, src/core/load-fragment.c,
 * `config_parse_user_group_compat`.
 */
export function podmanOfService(unit: ExpandedUnit, context: UserContext): Placement {
  const { accounts, podman, expander } = context;
  if (podman.engine !== 'podman') return podman;
  const written = lastValue(unit.entries, 'User');
  const isDynamic = isYes(lastValue(unit.entries, 'DynamicUser'));
  if (written === '') return isDynamic ? dynamicUser : podman;
  const user = expander.expandSpecifiers(unit, written);
  if (!user.ok) return engineUnknown(`User=: ${user.fault.message}`, user.fault.hint);
  const name = user.words[0] ?? '';
  if (isDynamic && accountOf(name, accounts) === undefined) return dynamicUser;
  return podmanOfUser(name, accounts);
}

/** The podman of a user, given by name or UID. */
export function podmanOfUser(user: string, accounts: Accounts): Placement {
  const engine = engineOf(user, accounts);
  if (engine !== undefined) return { engine };
  return engineUnknown(
    'expected the name or UID of a user in User=, found something else',
    'correct User=; systemd does not start the unit as it is',
  );
}

/** The podman of the user with a UID, whom the root may not know. */
export function podmanOfUid(uid: number, accounts: Accounts): Placement {
  return podmanOfUser(String(uid), accounts);
}

function engineOf(user: string, accounts: Accounts): EngineId | undefined {
  const account = accountOf(user, accounts);
  if ((account?.uid ?? uidOf(user)) === 0 || user === 'root') return 'podman';
  if (account === undefined) return podmanOf(user);
  // A name with other characters, of a directory service for instance, is no part of an id.
  return podmanOf(account.name) ?? podmanOf(String(account.uid));
}

function accountOf(user: string, { byUid, byName }: Accounts) {
  const uid = uidOf(user);
  return uid === undefined ? byName.get(user) : byUid.get(uid);
}

/** The value of a key in [Service] as systemd reads it: the last one counts, quotes are part of it. */
export function lastValue(entries: readonly UnitEntry[], key: string): string {
  return lastOf(entries, 'Service', key)?.value.trim() ?? '';
}

/** A boolean as systemd reads it. Source: systemd, src/basic/parse-util.c, `parse_boolean`. */
export function isYes(value: string): boolean {
  return /^(?:1|yes|y|true|t|on)$/i.test(value);
}

const dynamicUser = engineUnknown(
  'expected a user whose podman keeps images, found DynamicUser=yes, which makes a new user at every start',
  'name a user of the OS in User=, without DynamicUser=',
);
