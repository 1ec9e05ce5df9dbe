import { append } from '../../common/append.ts';
import type { Start } from '../../systemd/graph/boot-graph.ts';
import { readSystemdUnits } from '../../systemd/systemd-units.ts';
import { podmanOfUid } from '../engines/podman-of-user.ts';
import { type ManagerUnits, managerUnits, problemsOfManager } from '../manager-units.ts';
import type { Problem } from '../problem.ts';
import type { Quadlets } from '../quadlet/quadlet.ts';
import { userSearchPath } from '../quadlet/search-path.ts';
import type { Scope } from '../reference.ts';
import { serviceImages } from '../services/services.ts';
import type { Found, SourceContext } from '../source.ts';
import { started, startedSubject } from '../started.ts';
import { forEachUser } from './for-each-user.ts';
import { lingeringUsers } from './lingering.ts';
import { type UserScope, userScopes } from './user-scopes.ts';

export interface UserUnits extends Found {
  /** The Quadlet units of each user's manager, those for all users first. */
  readonly quadlets: readonly Quadlets[];
}

/**
 * Reads the units that the managers of users run, with how they start filled in. Units for all
 * users have the scope `user`, once for each user who will run them; units of a single user in the scope `user:UID`.
 */
export async function userUnits(systemContext: SourceContext): Promise<UserUnits> {
  const { isCommon, users, problems } = userScopes(systemContext);
  // User managers run as users: files that not everybody may read do not exist for them.
  const context = { ...systemContext, root: systemContext.root.as('public'), podman: {} };
  const { root, etc } = context;
  if (!isCommon && users.length === 0 && !(await plainServices(context))) {
    return { references: [], problems, quadlets: [] };
  }
  const lingering = lingeringUsers(context);
  const common = await managerUnits(context, userSearchPath(root, etc), {});
  const everyUsers = forEachUser(
    inScope(common, 'user', 'user@.service', lingering.names.size > 0),
    { lingering: lingering.names, scopes: users, accounts: context.accounts },
  );
  const references = [...everyUsers.references];
  const all = [...problems, ...lingering.problems, ...everyUsers.problems];
  const quadlets = [common.quadlets];
  const known = new Set(pathsOf(common));
  const reported = new Set(everyUsers.problems.map(keyOf));
  for (const user of users) {
    const { uid, account, configuration } = user;
    const path = userSearchPath(root, etc, user);
    const ownContext = { ...context, podman: podmanOfUid(uid, context.accounts) };
    const own = await managerUnits(ownContext, path, specifiersOf(user), configuration);
    const lingers = account !== undefined && lingering.names.has(account.name);
    const found = inScope(own, `user:${uid}`, `user@${uid}.service`, lingers);
    append(
      references,
      found.references.filter(({ unitPath }) => !known.has(unitPath)),
    );
    append(
      all,
      found.problems.filter(
        (problem) => !reported.has(keyOf(problem)) && !known.has(problem.subject?.unitPath ?? ''),
      ),
    );
    quadlets.push(own.quadlets);
  }
  return { references, problems: all, quadlets };
}

/**
 * Whether plain services for all users name images. Most roots have no such services, and the boot
 * graph of users is not needed then.
 */
async function plainServices(context: SourceContext): Promise<boolean> {
  const { root, etc, architecture } = context;
  const user = {};
  const units = readSystemdUnits(root, etc, { manager: 'user', generated: [], architecture, user });
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

function specifiersOf({ uid, account }: UserScope) {
  return account ?? { uid };
}

/** The paths of all unit files that a manager reads. */
function* pathsOf({ found, quadlets }: ManagerUnits): Iterable<string> {
  for (const { path } of quadlets.units.values()) yield path;
  yield* quadlets.hidden.keys();
  for (const { unitPath } of found.references) yield unitPath;
}

function keyOf({ code, path, line, subject }: Problem): string {
  return JSON.stringify([code, path, line, subject?.unitPath]);
}
