import { withoutRemembered } from '../../image/short-names.ts';
import type { Start } from '../../systemd/graph/boot-graph.ts';
import { readSystemdUnits } from '../../systemd/systemd-units.ts';
import { podmanOfUid } from '../engines/podman-of-user.ts';
import { type ManagerUnits, managerUnits, problemsOfManager } from '../manager-units.ts';
import type { Problem } from '../problem.ts';
import type { QuadletFiles } from '../quadlet/quadlet.ts';
import { userSearchPath } from '../quadlet/search-path.ts';
import type { Scope } from '../reference.ts';
import { serviceImages } from '../services/services.ts';
import type { Found, SourceContext } from '../source.ts';
import { started, startedSubject } from '../started.ts';
import { forEachUser } from './for-each-user.ts';
import { type Lingering, lingeringUsers } from './lingering.ts';
import { type Self, scopeOfSelf } from './self.ts';
import { type UserScope, userScopes } from './user-scopes.ts';

export interface UserUnits extends Found {
  /** The Quadlet units of each user's manager, those for all users first. */
  readonly quadlets: readonly QuadletFiles[];
}

/**
 * Reads the units that the managers of users run, with how they start filled in. Units for all users
 * have the scope `user`, once for each user who will run them; units of a single user have the scope
 * `user:UID`.
 *
 * @param self the user whose own directories are read as well, with the rights of the process.
 */
export async function userUnits(systemContext: SourceContext, self?: Self): Promise<UserUnits> {
  if (self?.alone === true) return unitsOfSelf(systemContext, self);
  const others = await unitsOfOthers(systemContext, self?.uid);
  if (self === undefined) return others;
  return together([others, without(knownOf(others), await unitsOfSelf(systemContext, self))]);
}

/** The units of all users but one, as users may read them. */
async function unitsOfOthers(systemContext: SourceContext, self?: number): Promise<UserUnits> {
  const { isCommon, users, problems } = userScopes(systemContext, self);
  // User managers run as users: files that not everybody may read do not exist for them.
  const context = {
    ...systemContext,
    root: systemContext.root.as('public'),
    shortNames: withoutRemembered(systemContext.shortNames),
    podman: {},
  };
  const { root, etc, accounts, extensions } = context;
  if (!isCommon && users.length === 0 && !(await plainServices(context))) {
    return { references: [], problems, quadlets: [] };
  }
  const lingering = lingeringUsers(context);
  const common = await managerUnits(context, userSearchPath(root, etc, extensions), {});
  const everyUsers = {
    ...forEachUser(inScope(common, 'user', 'user@.service', lingering.names.size > 0), {
      lingering: lingering.names,
      scopes: users,
      accounts,
    }),
    quadlets: [common.quadlets],
  };
  const known = knownOf(everyUsers);
  const noted = { references: [], problems: [...problems, ...lingering.problems], quadlets: [] };
  const all: UserUnits[] = [noted, everyUsers];
  let left = maxReadings;
  for (const user of users) {
    left -= common.quadlets.units.size;
    if (left < 0) {
      all.push({ ...noted, problems: [tooManyReadings(user)] });
      break;
    }
    const podman = podmanOfUid(user.uid, accounts);
    all.push(without(known, await unitsOfUser({ ...context, podman }, user, lingering)));
  }
  return together(all);
}

/** The most units for all users, counted for each user with units of their own: the manager of each reads all. */
const maxReadings = 50_000;

function tooManyReadings({ uid }: UserScope): Problem {
  const path = '/etc/containers/systemd/users';
  return {
    code: 'too-many-entries',
    path,
    message: `expected at most ${maxReadings} units for all users, counted for each user with units of their own, found more; the units of the user ${uid} and those after are not read`,
    hint: 'have fewer units for all users, or fewer users with units of their own',
    subject: { unitPath: path, unit: path, bind: true },
  };
}

/** The units of the user for whom berth runs, as the process may read them. */
async function unitsOfSelf(systemContext: SourceContext, self: Self): Promise<UserUnits> {
  const context = { ...systemContext, podman: { engine: self.engine } };
  const user = scopeOfSelf(self, context.etc, context.accounts);
  return unitsOfUser(context, user, lingeringUsers(context));
}

/** All units that the manager of a user runs, those for all users included. */
async function unitsOfUser(
  context: SourceContext,
  user: UserScope,
  lingering: Lingering,
): Promise<UserUnits> {
  const { uid, account, own } = user;
  const path = userSearchPath(context.root, context.etc, context.extensions, user);
  const units = await managerUnits(context, path, account ?? { uid }, own);
  const lingers = account !== undefined && lingering.names.has(account.name);
  const found = inScope(units, `user:${uid}`, `user@${uid}.service`, lingers);
  return { ...found, quadlets: [units.quadlets] };
}

/** The paths of unit files that a reading knows, and the keys of its problems. */
interface Known {
  readonly paths: ReadonlySet<string>;
  readonly problems: ReadonlySet<string>;
}

function knownOf(units: UserUnits): Known {
  return { paths: new Set(pathsOf(units)), problems: new Set(units.problems.map(keyOf)) };
}

/** A reading without the units and problems that are known from another: units for all users. */
function without({ paths, problems }: Known, units: UserUnits): UserUnits {
  return {
    references: units.references.filter(({ unitPath }) => !paths.has(unitPath)),
    problems: units.problems.filter(
      (problem) => !problems.has(keyOf(problem)) && !paths.has(problem.subject?.unitPath ?? ''),
    ),
    quadlets: units.quadlets,
  };
}

function together(all: readonly UserUnits[]): UserUnits {
  return {
    references: all.flatMap(({ references }) => references),
    problems: all.flatMap(({ problems }) => problems),
    quadlets: all.flatMap(({ quadlets }) => quadlets),
  };
}

/**
 * Whether plain services for all users name images. Most roots have no such services, and the boot
 * graph of users is not needed then.
 */
async function plainServices(context: SourceContext): Promise<boolean> {
  const { root, etc, architecture, extensions } = context;
  const user = {};
  const units = readSystemdUnits(root, etc, {
    manager: 'user',
    generated: [],
    architecture,
    user,
    extensions,
  });
  const target = units.unit('default.target');
  const enabled = target === undefined ? [] : units.linked(target);
  const { references, problems } = await serviceImages(context, units, enabled, user);
  return references.length + problems.length + units.problems.length > 0;
}

/**
 * The units of a user manager in their scope. The manager of a user who does not linger starts
 * when the user logs in, and a root can't tell when that is: `boot` becomes `unknown`.
 */
function inScope(units: ManagerUnits, scope: Scope, manager: string, lingers: boolean): Found {
  const startOf = (name: string): Start => {
    const start = units.graph.startOf(name);
    return {
      ...start,
      activation: start.activation === 'boot' && !lingers ? 'unknown' : start.activation,
      via: start.via.length === 0 ? [] : [manager, ...start.via],
    };
  };
  const { found } = units;
  const references = found.references.map((one) => ({ ...started(one, startOf), scope }));
  const problems = found.problems.map((problem) => startedSubject(problem, startOf));
  return { references, problems: [...problems, ...problemsOfManager(units)] };
}

/** The paths of all unit files that managers read. */
function* pathsOf({ references, quadlets }: UserUnits): Iterable<string> {
  for (const { units, hidden } of quadlets) {
    for (const { path } of units.values()) yield path;
    yield* hidden.keys();
  }
  for (const { unitPath } of references) yield unitPath;
}

function keyOf({ code, path, line, subject }: Problem): string {
  return JSON.stringify([code, path, line, subject?.unitPath]);
}
