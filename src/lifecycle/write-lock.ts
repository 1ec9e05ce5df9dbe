import type { Binding } from '../binding/bindings.ts';
import type { Lock, LockedImage } from '../binding/lock.ts';
import { LOOKUPS_AT_A_TIME, type NameFailure, tryLimited } from '../common/limited.ts';
import type { Registry } from '../registry/registry.ts';
import type { Context } from './context.ts';
import { firstThatWorks } from './look-up.ts';

/** The digests that names mean now, and the names that could not be resolved. */
export interface Resolved {
  readonly lock: Lock;
  readonly failures: readonly NameFailure[];
}

/** How a lock file differs from the names that its root binds and from the registries. */
export interface LockCheck {
  /** Names for which the registry has another digest than the lock file. */
  readonly moved: readonly MovedName[];
  /** Names that the root binds and the lock file lacks. */
  readonly missing: readonly string[];
  /** Names in the lock file that the root does not bind. */
  readonly extra: readonly string[];
}

export interface MovedName {
  readonly name: string;
  readonly locked: string;
  readonly found: string;
}

/** Asks the registries what each name means now, whatever an earlier lock file says. */
export async function resolveForLock(
  { signal, report }: Pick<Context, 'signal' | 'report'>,
  registry: Registry,
  bindings: readonly Binding[],
): Promise<Resolved> {
  const lock = new Map<string, LockedImage>();
  const work = async (binding: Binding) => {
    const { found } = await firstThatWorks(binding, signal, (access) =>
      registry.resolveAll(binding.name, access, signal),
    );
    lock.set(binding.name, found);
    report({ event: 'resolved', name: binding.name, digest: found.digest });
  };
  const { failures } = await tryLimited(bindings, LOOKUPS_AT_A_TIME, signal, work);
  return { lock, failures };
}

/** Compares a lock file with names that were resolved anew. Names that could not be resolved are left out. */
export function compareLocks(lock: Lock, resolved: Lock, bindings: readonly Binding[]): LockCheck {
  const names = bindings.map(({ name }) => name).sort();
  const wanted = new Set(names);
  const moved = names.flatMap((name) => {
    const locked = lock.get(name);
    const found = resolved.get(name);
    if (locked === undefined || found === undefined || locked.digest === found.digest) return [];
    return [{ name, locked: locked.digest, found: found.digest }];
  });
  return {
    moved,
    missing: names.filter((name) => !lock.has(name)),
    extra: [...lock.keys()].filter((name) => !wanted.has(name)).sort(),
  };
}
