import { mapLimited } from '../../common/limited.ts';
import type { ServiceContainer } from '../../engine/containers.ts';
import { type Journal, leftUndone } from '../../state/apply-journal.ts';
import {
  type Contents,
  type RecordImage,
  type RootRecord,
  wantedImages,
} from '../../state/record.ts';
import type { Service, ServiceManager } from '../../systemctl/services.ts';
import { type Context } from '../context.ts';
import { imageAs } from '../drift.ts';
import { pinsOf } from '../provenance.ts';
import { driftRequest } from '../restore-pins.ts';
import { readSituation } from '../situation.ts';
import { chainsOf, dependantsOf } from './chains.ts';
import { isChanged, isRunning, type Meanings, meaningsByUnit, withInstances } from './changed.ts';
import { bringUp, type Watch } from './watch.ts';

export interface AppliedService {
  readonly unit: string;
  /** What it ran before. */
  readonly containers: readonly ServiceContainer[];
  /**
   * `false`: nothing had to be done. `pending`: not reached, it is what it was. `failed`: it is not
   * up, neither with the new nor with what it ran before.
   */
  readonly updated: 'true' | 'false' | 'pending' | 'rolled back' | 'failed';
  /** What went wrong, if so. */
  readonly message?: string;
}

/** What runs, beside what is to run and what is on record. */
interface Seen {
  readonly services: ReadonlyMap<string, Service>;
  readonly containers: readonly ServiceContainer[];
  readonly wanted: Meanings;
  readonly recorded: Meanings;
}

export async function look(
  { engine }: Context,
  manager: ServiceManager,
  images: Parameters<typeof meaningsByUnit>[0],
  before: RootRecord | undefined,
  journal: Journal | undefined,
): Promise<Seen> {
  const wanted = meaningsByUnit(images, manager.scopes);
  const recorded = meaningsByUnit(before?.staged?.images ?? [], manager.scopes);
  const services = await manager.all([...wanted.keys(), ...(journal?.due ?? [])]);
  const units = [...services.keys()];
  return {
    services,
    containers: (await engine.containers?.()) ?? [],
    wanted: withInstances(wanted, units),
    recorded: withInstances(recorded, units),
  };
}

/** Those of a root's services that run, and whether something has to be done for each. */
export function judgeServices(
  { services, containers, wanted, recorded }: Seen,
  journal: Journal | undefined,
): readonly AppliedService[] {
  return [...wanted].flatMap(([unit, names]) => {
    const service = services.get(unit);
    const own = containers.filter((container) => container.unit === unit);
    const isDue = journal?.due.includes(unit) === true;
    if (service === undefined || !service.loaded) return [];
    if (!isDue && !isRunning(service)) return [];
    const looked = { service, containers: own, wanted: names, before: recorded.get(unit) };
    const updated = isDue || isChanged(looked) ? 'pending' : 'false';
    return [{ unit, containers: own, updated }];
  });
}

export interface RolledOut {
  readonly contents: Contents;
  readonly services: readonly AppliedService[];
  /** Services that are new and do not run: to start them is systemd's, and its administrator's. */
  readonly idle: readonly string[];
}

/** As many chains of services are restarted side by side. */
const CHAINS_AT_A_TIME = 4;

/**
 * Makes the running system run what a root's images are by now: moves names, restarts the services
 * that it concerns, each when what it needs is up, and takes back what does not come up.
 *
 * @param whole what was fetched and pinned.
 * @returns what the names mean after that, and what became of each service.
 */
export async function rollOut(
  context: Context,
  manager: ServiceManager,
  watch: Watch,
  root: RootRecord,
  whole: Contents,
): Promise<RolledOut> {
  const { engine, state, signal } = context;
  const journal = leftUndone(state.journal, root.id);
  const names = await Names.read(context);
  const judged = new Map<string, AppliedService>();
  const due = new Set<string>();
  const previous = new Map<string, string>();
  const note = () => {
    const noted = { root: root.id, previous: Object.fromEntries(previous), due: [...due] };
    state.journal.write(noted);
  };
  const judge = async () => {
    const looked = await look(context, manager, whole.images, root, journal);
    for (const service of judgeServices(looked, journal)) {
      if (due.has(service.unit)) continue;
      judged.set(service.unit, service);
      if (isDue(service)) due.add(service.unit);
    }
    for (const [name, id] of previousOf(looked, due, names, journal)) {
      previous.set(name, id);
    }
    note();
    return looked;
  };
  // That a unit's file is another than what was read is not told any more when it is read; what
  // comes of drop-ins that Quadlet reads only then.
  await judge();
  await manager.reload();
  const seen = await judge();
  const { wanted } = seen;
  await keep(context, root, names, new Set(previous.values()));

  const used = new Set([...due].flatMap((unit) => [...(wanted.get(unit)?.keys() ?? [])]));
  for (const { id, names: served } of whole.images) {
    for (const { name } of served) if (!used.has(name)) await names.move(name, id);
  }

  const namesOf = (unit: string) => wanted.get(unit) ?? new Map<string, string>();
  const chains = chainsOf([...due], seen.services, (unit) => namesOf(unit).keys());
  const settle = (unit: string, updated: AppliedService['updated'], message?: string) => {
    const containers = judged.get(unit)?.containers ?? [];
    judged.set(unit, { unit, containers, updated, ...(message === undefined ? {} : { message }) });
    due.delete(unit);
    note();
  };
  const restart = (unit: string) => {
    context.report({ event: 'restarting', unit });
    return bringUp(engine, manager, unit, watch, signal);
  };

  await mapLimited(chains, CHAINS_AT_A_TIME, async (chain) => {
    const up: string[] = [];
    for (const unit of chain) {
      for (const [name, id] of namesOf(unit)) await names.move(name, id);
      const failure = await restart(unit);
      if (failure === undefined) {
        up.push(unit);
        settle(unit, 'true');
        continue;
      }
      const { units, names: back } = takenBack(unit, up, namesOf, previous, names);
      context.report({ event: 'warning', message: `${unit} does not come up: ${failure}` });
      for (const [name, id] of back) await names.move(name, id);
      // With the same image it would only fail again.
      const isBack = back.size > 0;
      for (const other of units) {
        const again = isBack ? await restart(other) : failure;
        const message =
          other === unit ? failure : `${unit}, which uses its image, does not come up`;
        if (again === undefined) settle(other, 'rolled back', message);
        else settle(other, 'failed', isBack ? `${message}; taken back: ${again}` : message);
      }
      // systemd gives up what requires a service that does not start.
      for (const other of dependantsOf(unit, seen.services)) {
        const ran = judged.has(other) || isRunning(seen.services.get(other));
        if (!ran || isRunning(await manager.one(other))) continue;
        context.report({ event: 'restarting', unit: other });
        const again = await manager.restart(other, signal);
        if (again === undefined) continue;
        const message = `it went down with ${unit}: ${again}`;
        if (judged.has(other)) settle(other, 'failed', message);
        else context.report({ event: 'warning', message: `${other} does not come up: ${message}` });
      }
      for (const other of chain) if (due.has(other)) settle(other, 'pending');
      return;
    }
  });
  return {
    contents: await contentsAfter(context, root, whole, used, names),
    services: [...judged.values()],
    idle: newAndIdle(seen),
  };
}

export function newAndIdle({ services, wanted, recorded }: Seen): readonly string[] {
  return [...wanted.keys()].filter((unit) => {
    const service = services.get(unit);
    if (service === undefined || recorded.has(unit) || service.type === 'oneshot') return false;
    return service.loaded && !isRunning(service);
  });
}

function isDue({ updated }: AppliedService): boolean {
  return updated === 'pending';
}

/** What tagged names mean on the engine, as they are moved. */
class Names {
  readonly #context: Context;
  readonly #meanings: Map<string, string>;
  readonly #present: ReadonlySet<string>;

  private constructor(context: Context, meanings: Map<string, string>, present: Set<string>) {
    this.#context = context;
    this.#meanings = meanings;
    this.#present = present;
  }

  static async read(context: Context): Promise<Names> {
    const images = await context.engine.images();
    const meanings = images.flatMap(({ id, names }) => names.map((name) => [name, id] as const));
    return new Names(context, new Map(meanings), new Set(images.map(({ id }) => id)));
  }

  meaning(name: string): string | undefined {
    return this.#meanings.get(name);
  }

  has(id: string): boolean {
    return this.#present.has(id);
  }

  async move(name: string, id: string): Promise<void> {
    if (name.includes('@') || this.#meanings.get(name) === id) return;
    this.#context.signal.throwIfAborted();
    await this.#context.engine.tag(id, name);
    this.#meanings.set(name, id);
    this.#context.report({ event: 'named', id, name });
  }
}

/**
 * What each name of the services that are due goes back to: the image that runs, whatever the name
 * means by now, or meant when an apply that was killed began.
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
      // A unit with one image runs the one before by whatever name, where nobody runs it by that.
      const sole = own.length === 1 && meant.size === 1 ? own[0] : undefined;
      const runs = containers.find(({ image }) => image === name) ?? sole;
      const known = [journal?.previous[name], runs?.imageId, names.meaning(name)];
      const id = known.find((one) => one !== undefined && names.has(one));
      if (id !== undefined) previous.set(name, id);
    }
  }
  return previous;
}

/** Pins what is gone back to, where nothing does yet: with its container goes the last hold on it. */
async function keep(
  context: Context,
  root: RootRecord,
  names: Names,
  ids: ReadonlySet<string>,
): Promise<void> {
  const { images, pins } = await readSituation(context);
  const pinned = pinsOf(root.id, pins);
  for (const id of ids) {
    const image = images.get(id);
    if (pinned.has(id) || image === undefined || !names.has(id)) continue;
    const kept = imageAs(root.engine, [], image, new Set());
    await context.engine.pin(root.id, [driftRequest(root, kept)]);
  }
}

/** The services and names that go back with one service: a name has one meaning for all that use it. */
function takenBack(
  failed: string,
  up: readonly string[],
  namesOf: (unit: string) => ReadonlyMap<string, string>,
  previous: ReadonlyMap<string, string>,
  names: Names,
): { readonly units: readonly string[]; readonly names: ReadonlyMap<string, string> } {
  const units = new Set<string>();
  const back = new Map<string, string>();
  const take = (unit: string) => {
    units.add(unit);
    for (const name of namesOf(unit).keys()) {
      const id = previous.get(name);
      if (id === undefined || id === names.meaning(name) || back.has(name)) continue;
      back.set(name, id);
      for (const other of up) if (!units.has(other) && namesOf(other).has(name)) take(other);
    }
  };
  take(failed);
  const ordered = [...up.filter((unit) => units.has(unit)), failed];
  return { units: ordered, names: back };
}

/** What was staged, but for the names that stayed what they were, or are it again. */
async function contentsAfter(
  context: Context,
  root: RootRecord,
  whole: Contents,
  used: ReadonlySet<string>,
  names: Names,
): Promise<Contents> {
  const others = new Map<string, Set<string>>();
  for (const { id, names: served } of whole.images) {
    for (const { name } of served) {
      const now = used.has(name) ? names.meaning(name) : undefined;
      if (name.includes('@') || now === undefined || now === id) continue;
      others.set(now, (others.get(now) ?? new Set()).add(name));
    }
  }
  if (others.size === 0) return whole;
  const { images } = await readSituation(context);
  const moved = new Set([...others.values()].flatMap((served) => [...served]));
  const byId = new Map<string, RecordImage>();
  for (const image of whole.images) {
    const served = image.names.filter(({ name }) => !moved.has(name));
    if (served.length > 0) byId.set(image.id, { ...image, names: served });
  }
  const recorded = new Map(wantedImages(root).map((image) => [image.id, image]));
  for (const [id, served] of others) {
    const image = images.get(id);
    if (image === undefined) continue;
    const { names: own, ...rest } = imageAs(root.engine, whole.images, image, served);
    const { names: _, ...known } = byId.get(id) ?? recorded.get(id) ?? { ...rest, names: [] };
    const digests = new Map(recorded.get(id)?.names.map(({ name, digest }) => [name, digest]));
    const added = own.map((one) => ({ ...one, digest: digests.get(one.name) ?? one.digest }));
    byId.set(id, { ...known, names: [...(byId.get(id)?.names ?? []), ...added] });
  }
  return { ...whole, images: [...byId.values()] };
}
