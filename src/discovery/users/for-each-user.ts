import { posix } from 'node:path';
import { engineUnknown, isOfEachUser, type Placement, placed } from '../engines/placement.ts';
import { podmanOfUser } from '../engines/podman-of-user.ts';
import type { Problem } from '../problem.ts';
import type { Reference } from '../reference.ts';
import type { Found } from '../source.ts';
import type { Account, Accounts } from './accounts.ts';
import type { UserScope } from './user-scopes.ts';

/** The users of a root, by what the root has for them. */
export interface RootUsers {
  /** The names of the users whose manager starts at boot. */
  readonly lingering: ReadonlySet<string>;
  /** The users for whom the root has units of their own. */
  readonly scopes: readonly UserScope[];
  readonly accounts: Accounts;
}

/** The most references that the units for all users become: many users times many units. */
const maxCopies = 100_000;

/**
 * Units for all users as units of each user who will run them. A reference that has an engine
 * already, such as docker, stays as it is.
 */
export function forEachUser({ references, problems }: Found, users: RootUsers): Found {
  const common = references.filter(isOfEachUser);
  if (common.length === 0) return { references, problems };
  const podmans = podmansOf(users);
  const taken = podmans.slice(0, Math.max(1, Math.floor(maxCopies / common.length)));
  const copies = common.flatMap((reference) => taken.map((podman) => placed(reference, podman)));
  return {
    references: [...references.filter((reference) => !isOfEachUser(reference)), ...copies],
    problems: taken.length < podmans.length ? [...problems, tooMany(common, podmans)] : problems,
  };
}

/** The podman of each user who will run units for all users. */
function podmansOf(users: RootUsers): readonly Placement[] {
  const names = namesOf(users);
  if (names.length === 0) return [nobody];
  const podmans = names.map((name) => podmanOfUser(name, users.accounts));
  const first = new Map(podmans.map((podman) => [podman.engine, podman]));
  return [...first.values()];
}

/**
 * The users who will run units for all users, by name or UID: those who linger, else those who can
 * log in, else those for whom the root has units.
 */
function namesOf({ lingering, scopes, accounts }: RootUsers): readonly string[] {
  if (lingering.size > 0) return [...lingering];
  const people = [...accounts.byUid.values()].filter(canLogIn).map(({ name }) => name);
  return people.length > 0 ? people : scopes.map(({ uid }) => String(uid));
}

/** Source: login.defs(5), `UID_MIN` and `UID_MAX`. */
function canLogIn({ uid, shell }: Account): boolean {
  return uid >= 1_000 && uid <= 60_000 && !closed.has(posix.basename(shell));
}

/** The programs that let nobody in. An empty shell in passwd(5) means /bin/sh. */
const closed: ReadonlySet<string> = new Set(['false', 'nologin', 'true']);

const nobody = engineUnknown(
  'expected a user who runs the units for all users, found none: nobody lingers, and no account of a person can log in',
  'add the user to the passwd of the root, or move the unit to a directory of one user: users/UID',
);

function tooMany([first]: readonly Reference[], users: readonly Placement[]): Problem {
  const { unitPath = '/', unit = '/' } = first ?? {};
  return {
    code: 'too-many-entries',
    path: unitPath,
    message: `expected at most ${maxCopies} images in the units for all users, counted for each user, found more with ${users.length} users`,
    hint: 'let only the users linger who run these units',
    subject: { unitPath, unit },
  };
}
