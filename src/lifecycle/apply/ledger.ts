import { type Journal, leftUndone } from '../../state/apply-journal.ts';
import type { Contents, RootRecord } from '../../state/record.ts';
import type { ServiceManager } from '../../systemctl/services.ts';
import type { EngineContext } from '../context.ts';
import { dependantsOf } from './chains.ts';
import { isRunning, type Meanings } from './changed.ts';
import { type AppliedService, judgeServices, look, type Seen } from './look.ts';
import { Names } from './names.ts';

/**
 * The services that are still due and the outcome of the others, with a journal on disk, so that the
 * next apply can go on after this one was killed.
 */
export class Ledger {
  /** The services that are still to be restarted. */
  readonly due = new Set<string>();
  /** The services that ran and may go down with a due one. */
  readonly dependants = new Set<string>();
  /** The image that each name goes back to. */
  readonly previous = new Map<string, string>();
  readonly #judged = new Map<string, AppliedService>();
  readonly #context: EngineContext;
  readonly #manager: ServiceManager;
  readonly #root: RootRecord;
  readonly #whole: Contents;
  readonly #names: Names;
  /** The journal of an earlier apply that was killed. */
  readonly #before: Journal | undefined;
  #wanted: Meanings = new Map();

  constructor(
    context: EngineContext,
    manager: ServiceManager,
    root: RootRecord,
    whole: Contents,
    names: Names,
  ) {
    this.#context = context;
    this.#manager = manager;
    this.#root = root;
    this.#whole = whole;
    this.#names = names;
    this.#before = leftUndone(context.state.journal, root.id);
    const { due = [], dependants = [] } = this.#before ?? {};
    for (const unit of [...due, ...dependants]) this.dependants.add(unit);
  }

  /** Looks at the running services. A service that was found due before stays due. */
  async judge(): Promise<Seen> {
    const { images } = this.#whole;
    const seen = await look(this.#context, this.#manager, images, this.#root, this.#before);
    this.#wanted = seen.wanted;
    for (const service of judgeServices(seen, this.#before)) {
      if (this.due.has(service.unit)) continue;
      this.#judged.set(service.unit, service);
      if (isDue(service)) this.due.add(service.unit);
    }
    for (const unit of dependantsOf(this.due, seen.services)) {
      if (isRunning(seen.services.get(unit))) this.dependants.add(unit);
    }
    for (const [name, id] of previousOf(seen, this.due, this.#names, this.#before)) {
      this.previous.set(name, id);
    }
    this.#write();
    return seen;
  }

  /** The image id that each name of a service is to mean. */
  readonly namesOf = (unit: string): ReadonlyMap<string, string> =>
    this.#wanted.get(unit) ?? new Map<string, string>();

  has(unit: string): boolean {
    return this.#judged.has(unit);
  }

  services(): readonly AppliedService[] {
    return [...this.#judged.values()];
  }

  settle(unit: string, updated: AppliedService['updated'], message?: string): void {
    const containers = this.#judged.get(unit)?.containers ?? [];
    const said = message === undefined ? {} : { message };
    this.#judged.set(unit, { unit, containers, updated, ...said });
    this.due.delete(unit);
    this.#write();
  }

  /** Notes that every service that went down with another was started again, as far as that is possible. */
  allStarted(): void {
    this.dependants.clear();
    this.#write();
  }

  #write(): void {
    this.#context.state.journal.write({
      root: this.#root.id,
      previous: Object.fromEntries(this.previous),
      due: [...this.due],
      dependants: [...this.dependants],
    });
  }
}

function isDue({ updated }: AppliedService): boolean {
  return updated === 'pending';
}

/**
 * The image that each name of the due services goes back to: the image in the journal of an apply that
 * was killed, else the image that runs, else the image that the name means now.
 */
function previousOf(
  { containers, wanted }: Seen,
  due: ReadonlySet<string>,
  names: Names,
  journal: Journal | undefined,
): Map<string, string> {
  const previous = new Map<string, string>();
  for (const unit of due) {
    const own = containers.filter((container) => container.unit === unit);
    const meant = wanted.get(unit) ?? new Map<string, string>();
    for (const name of meant.keys()) {
      if (name.includes('@') || previous.has(name)) continue;
      // If no container runs under the name, the sole container of a unit with one name runs its image.
      const sole = own.length === 1 && meant.size === 1 ? own[0] : undefined;
      const runs = containers.find(({ image }) => image === name) ?? sole;
      const known = [journal?.previous[name], runs?.imageId, names.meaning(name)];
      const id = known.find((one) => one !== undefined && names.has(one));
      if (id !== undefined) previous.set(name, id);
    }
  }
  return previous;
}
