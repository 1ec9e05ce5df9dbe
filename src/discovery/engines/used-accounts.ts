import { engineParts } from '../../common/engine-id.ts';
import type { Reference, UserAccount } from '../reference.ts';
import { type Accounts, uidOf } from '../users/accounts.ts';

/** The users whose podman is the engine of a reference, sorted by name. */
export function usedAccounts(
  references: readonly Reference[],
  accounts: Accounts,
): readonly UserAccount[] {
  const names = new Set<string>();
  for (const engine of new Set(references.map((reference) => reference.engine))) {
    const user = engine === undefined ? undefined : engineParts(engine).user;
    if (user !== undefined) names.add(user);
  }
  return [...names].sort().map((name) => accountOf(name, accounts));
}

function accountOf(name: string, { byUid, byName }: Accounts): UserAccount {
  const account = byName.get(name) ?? byUid.get(uidOf(name) ?? -1);
  return account === undefined ? { name } : { name, uid: account.uid, home: account.home };
}
