import { join } from 'node:path';
import type { Account } from './account.ts';
import { resolved, whyNotMounted } from './mounted.ts';
import { run } from './run.ts';
import { textOf } from './text-of.ts';

/** The graph root in a home, as storage.conf(5) has it for users. */
const STORAGE = '.local/share/containers/storage';

/** Why a user's podman can't be used on this system, for people. */
export interface Unusable {
  readonly reason: string;
  readonly hint: string;
}

/**
 * Why the podman of a user can't be used now. Nothing is started as the user, and nothing in the home is
 * read.
 *
 * @param name what the root calls the user.
 * @param account the user of that name on this system.
 * @param expectedUid the user's UID in the root; undefined if the root does not say.
 */
export async function whyNotUsable(
  name: string,
  account: Account | undefined,
  expectedUid?: number,
): Promise<Unusable | undefined> {
  return (
    notThisUser(name, account, expectedUid) ??
    (account && ((await noSubordinateIds(account)) ?? (await noHome(account))))
  );
}

function notThisUser(
  name: string,
  account: Account | undefined,
  expectedUid: number | undefined,
): Unusable | undefined {
  if (account === undefined) {
    const uid = expectedUid === undefined ? '' : ` with UID ${expectedUid}`;
    return {
      reason: `no user ${name}${uid} is on this system`,
      hint: 'nothing has to be done if the root brings the user; else correct the name',
    };
  }
  if (expectedUid === undefined || account.uid === expectedUid) return undefined;
  return {
    reason: `the user ${name} has UID ${account.uid} here, and ${expectedUid} in the root`,
    hint: 'give the user the same UID in both systems',
  };
}

async function noSubordinateIds({ name, uid }: Account): Promise<Unusable | undefined> {
  if ((await run(['newuidmap'])).code === undefined) {
    return {
      reason: `podman of ${name} has no newuidmap to work with`,
      hint: 'install newuidmap: it is part of uidmap (Debian) or shadow-utils (Fedora)',
    };
  }
  const kinds = [
    { kind: 'UIDs', option: [], file: '/etc/subuid' },
    { kind: 'GIDs', option: ['-g'], file: '/etc/subgid' },
  ];
  for (const { kind, option, file } of kinds) {
    const { code } = await run(['getsubids', ...option, name]);
    const isGiven = code === undefined ? hasEntry(textOf(file), name, uid) : code === 0;
    if (isGiven) continue;
    return {
      reason: `${name} has no subordinate ${kind}, which a user's podman needs`,
      hint: `give some to the user: \`usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${name}\``,
    };
  }
  return undefined;
}

/** Whether a file like subuid(5) gives ids to the user, who is named there by name or UID. */
export function hasEntry(text: string, name: string, uid: number): boolean {
  return text.split('\n').some((line) => {
    const [owner, start, count] = line.split(':');
    const isNumbered = /^\d+$/.test(start ?? '') && /^[1-9]\d*$/.test(count?.trim() ?? '');
    return isNumbered && (owner === name || owner === String(uid));
  });
}

async function noHome({ name, uid, home }: Account): Promise<Unusable | undefined> {
  // The links above the home are root's; those in it are the user's, and are not followed.
  const [usual, real] = [home, resolved(home)].map((path) => join(path, STORAGE));
  const notMounted = whyNotMounted(usual ?? home, real ?? home);
  if (notMounted !== undefined) return notMounted;
  // In a process of its own: a home on a network file system may hang.
  const { code, stdout } = await run(['stat', '--dereference', '--format=%u %F', '--', home]);
  if (code === undefined) {
    return { reason: `${home}, the home of ${name}, does not answer`, hint: `see what ${home} is` };
  }
  const [owner, ...kind] = stdout.trim().split(' ');
  if (code !== 0 || kind.join(' ') !== 'directory') {
    return {
      reason: `${home}, the home of ${name}, is not there`,
      hint: `make or mount it: \`install -d -m 0700 -o ${name} ${home}\``,
    };
  }
  if (owner === String(uid)) return undefined;
  return {
    reason: `${home}, the home of ${name}, belongs to UID ${owner}, not to ${uid}`,
    hint: `give it to the user: \`chown ${name}: ${home}\``,
  };
}
