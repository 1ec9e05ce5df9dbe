import { containerdIn, engineParts, isEngineId } from '../../common/engine-id.ts';
import type { Accounts } from '../users/accounts.ts';
import { engineUnknown, type Placement } from './placement.ts';
import { podmanOfUser } from './podman-of-user.ts';

/**
 * The engine that a list names in its header, a comment before the first name: `# engine: docker`.
 *
 * @returns undefined if no comment of the list names an engine.
 */
export function listEngine(text: string, accounts: Accounts): Placement | undefined {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => header.test(line));
  if (at < 0) return undefined;
  const isFirst = lines.slice(0, at).every((line) => /^\s*(?:#|$)/.test(line));
  const isOnly = lines.findLastIndex((line) => header.test(line)) === at;
  const name = header.exec(lines[at] ?? '')?.[1]?.trim() ?? '';
  return isFirst && isOnly ? engineNamed(name, accounts) : misplaced;
}

const header = /^[ \t]*#[ \t]*engine:(.*)/i;

/** The engine with a name, in the form in which references of other sources name the same engine. */
function engineNamed(name: string, accounts: Accounts): Placement {
  if (!isEngineId(name)) return noEngine;
  const { user, namespace } = engineParts(name);
  if (user !== undefined) return podmanOfUser(user, accounts);
  return { engine: (namespace === undefined ? undefined : containerdIn(namespace)) ?? name };
}

const noEngine = engineUnknown(
  'expected an engine that berth knows in the header of the list, found something else',
  'write podman, podman:USER, docker, containerd, containerd:NAMESPACE, crio or store behind `# engine:`',
);

const misplaced = engineUnknown(
  'expected one line `# engine:` before the first name of the list, found a second or a later one',
  'make a list for each engine, with the line at its top',
);
