import { mapLimited } from '../../common/limited.ts';
import type { Contents, RootRecord } from '../../state/record.ts';
import type { ServiceManager } from '../../systemctl/services.ts';
import type { EngineContext } from '../context.ts';
import { imageAs } from '../drift.ts';
import { pinsOf } from '../provenance.ts';
import { driftRequest } from '../restore-pins.ts';
import { readOn } from '../situation.ts';
import { chainsOf, dependantsOf } from './chains.ts';
import { isRunning, podsOf } from './changed.ts';
import { contentsAfter } from './contents-after.ts';
import { Ledger } from './ledger.ts';
import { type AppliedService, newAndIdle, type Seen } from './look.ts';
import { Names } from './names.ts';
import { bringUp, type Watch } from './watch.ts';

export interface RolledOut {
  readonly contents: Contents;
  readonly services: readonly AppliedService[];
  /** New services that do not run: starting them is left to systemd and the administrator. */
  readonly idle: readonly string[];
}

/** How many chains of services are restarted side by side. */
const CHAINS_AT_A_TIME = 4;

/**
 * Makes the running system use the root's new images: moves names, restarts the services that need it,
 * each after the services that it depends on, and takes a service back that does not come up.
 *
 * @param whole the contents that were fetched and pinned.
 * @returns the contents that the names mean afterwards, and the outcome of each service.
 */
export async function rollOut(
  context: EngineContext,
  manager: ServiceManager,
  watch: Watch,
  root: RootRecord,
  whole: Contents,
): Promise<RolledOut> {
  const names = await Names.read(context);
  const ledger = new Ledger(context, manager, root, whole, names);
  const earlier = [...ledger.dependants];
  await ledger.judge();
  // systemd tells that a unit's file has changed only before the reload, and tells the effect of
  // drop-ins that Quadlet reads only after the reload. So services are judged twice.
  await manager.reload();
  const seen = await ledger.judge();
  await keep(context, root, names, new Set(ledger.previous.values()));
  const used = await moveUnused(whole, ledger, names);
  const due = [...ledger.due];
  const chains = chainsOf(due, seen.services, (unit) => ledger.namesOf(unit).keys());
  const roll: Roll = { context, manager, watch, names, ledger, seen, ran: new Set(earlier) };
  await mapLimited(chains, CHAINS_AT_A_TIME, (chain) => restartChain(roll, chain));
  // An apply that was killed may have left services down that use no image of the root.
  const others = earlier.filter((unit) => !ledger.has(unit));
  await startAgain(roll, others, 'a service that it needs');
  ledger.allStarted();
  return {
    contents: await contentsAfter(context, root, whole, used, names),
    services: ledger.services(),
    idle: newAndIdle(seen),
  };
}

/** The collaborators of one roll-out. */
interface Roll {
  readonly context: EngineContext;
  readonly manager: ServiceManager;
  readonly watch: Watch;
  readonly names: Names;
  readonly ledger: Ledger;
  readonly seen: Seen;
  /** The services that ran just before one that they need was restarted, in this apply or one that was killed. */
  readonly ran: Set<string>;
}

/**
 * Moves the names that are not used by any service that is to be restarted.
 *
 * @returns the other names: each moves just before the first service that uses it is restarted.
 */
async function moveUnused(
  { images }: Contents,
  { due, namesOf }: Ledger,
  names: Names,
): Promise<ReadonlySet<string>> {
  const used = new Set([...due].flatMap((unit) => [...namesOf(unit).keys()]));
  for (const { id, names: served } of images) {
    for (const { name } of served) if (!used.has(name)) await names.move(name, id);
  }
  return used;
}

/** Restarts services that depend on each other, until one does not come up. */
async function restartChain(roll: Roll, chain: readonly string[]): Promise<void> {
  const { context, names, ledger, seen } = roll;
  const up: string[] = [];
  for (const unit of chain) {
    for (const [name, id] of ledger.namesOf(unit)) await names.move(name, id);
    const dependants = dependantsOf([unit], seen.services);
    await noteRunning(roll, dependants);
    const failure = await restart(roll, unit);
    if (failure === undefined) {
      up.push(unit);
      ledger.settle(unit, 'true');
      continue;
    }
    const message = `${unit} does not come up: ${failure}`;
    context.report({ event: 'warning', code: 'service-down', message });
    await takeBack(roll, unit, failure, up);
    await startAgain(roll, dependants, unit);
    for (const other of chain) if (ledger.due.has(other)) ledger.settle(other, 'pending');
    return;
  }
}

/** Notes which services still run: one that has ended by itself since it was judged must not be started again. */
async function noteRunning({ manager, ledger, ran }: Roll, units: readonly string[]) {
  for (const unit of units) {
    if (ledger.dependants.has(unit) && isRunning(await manager.one(unit))) ran.add(unit);
  }
}

async function restart(roll: Roll, unit: string): Promise<string | undefined> {
  const { context, manager, watch } = roll;
  context.report({ event: 'restarting', unit });
  const start = () => bringUp(context.engine, manager, unit, watch, context.signal);
  const failure = await start();
  if (failure === undefined || !(await isPodDown(roll, unit))) return failure;
  // A pod stops with its last container, and its service then stops the container's. The second start begins
  // with the pod.
  return start();
}

/** Whether the pod of a service has stopped since the services were judged. */
async function isPodDown({ manager, seen }: Roll, unit: string): Promise<boolean> {
  for (const pod of podsOf(unit, seen.services)) {
    if (isRunning(seen.services.get(pod)) && !isRunning(await manager.one(pod))) return true;
  }
  return false;
}

/** Moves the names of a service that does not come up back, and restarts the services that use them. */
async function takeBack(
  roll: Roll,
  failed: string,
  failure: string,
  up: readonly string[],
): Promise<void> {
  const { names, ledger } = roll;
  const { units, names: back } = takenBack(failed, up, ledger, names);
  for (const [name, id] of back) await names.move(name, id);
  // With the same image the service would only fail again.
  const isBack = back.size > 0;
  for (const unit of units) {
    const again = isBack ? await restart(roll, unit) : failure;
    const message = unit === failed ? failure : `${failed}, which uses its image, does not come up`;
    if (again === undefined) ledger.settle(unit, 'rolled back', message);
    else ledger.settle(unit, 'failed', isBack ? `${message}; taken back: ${again}` : message);
  }
}

/** Starts the services again that ran before: systemd has stopped them with one that did not come up. */
async function startAgain(
  { context, manager, ledger, ran }: Roll,
  units: readonly string[],
  cause: string,
): Promise<void> {
  for (const unit of units) {
    if (!ran.has(unit) || isRunning(await manager.one(unit))) continue;
    context.report({ event: 'restarting', unit });
    const again = await manager.restart(unit, context.signal);
    if (again === undefined) continue;
    const reason = `it went down with ${cause}: ${again}`;
    if (ledger.has(unit)) {
      ledger.settle(unit, 'failed', reason);
      continue;
    }
    const message = `${unit} does not come up: ${reason}`;
    context.report({ event: 'warning', code: 'service-down', message });
  }
}

/**
 * Pins the images that services may be taken back to, unless the root pins them already: when a service's
 * container is removed, nothing else keeps its image.
 */
async function keep(
  context: EngineContext,
  root: RootRecord,
  names: Names,
  ids: ReadonlySet<string>,
): Promise<void> {
  const { engine } = context;
  const { images, pins } = await readOn(context);
  const pinned = pinsOf(root.id, pins);
  for (const id of ids) {
    const image = images.get(id);
    if (pinned.has(id) || image === undefined || !names.has(id)) continue;
    const kept = imageAs(engine.id, [], image, new Set());
    await engine.pin(root.id, [driftRequest(root, kept)]);
  }
}

/** The services and names that go back with a failed service: a name means one image for all its users. */
function takenBack(
  failed: string,
  up: readonly string[],
  { namesOf, previous }: Pick<Ledger, 'namesOf' | 'previous'>,
  names: Pick<Names, 'meaning'>,
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
