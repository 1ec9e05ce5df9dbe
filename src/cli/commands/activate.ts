import { type Command, InvalidArgumentError } from 'commander';
import { readLock } from '../../binding/lock.ts';
import { wantedOf } from '../../binding/wanted.ts';
import { counted } from '../../common/counted.ts';
import { BerthError } from '../../common/errors.ts';
import { findingEntry } from '../../documents/entries.ts';
import { plannedRoot } from '../../host/planner.ts';
import { idOfRoot, idOfTarget, withRoot } from '../../host/root.ts';
import { type Activated, activate } from '../../lifecycle/boot/activate.ts';
import { loadShipped } from '../../lifecycle/boot/load-shipped.ts';
import { isPullNeeded } from '../../lifecycle/boot/pull-needed.ts';
import type { PlannedRoot } from '../../lifecycle/plan/plan.ts';
import { readSituation } from '../../lifecycle/situation.ts';
import { failuresOf } from '../../lifecycle/stage/stage.ts';
import type { Root } from '../../root/root.ts';
import { type CommonOptions, withCommonOptions } from '../options.ts';
import { print } from '../output.ts';
import { exitCodes, printFailure } from '../render/failure.ts';
import { shortDigest } from '../render/plan.ts';
import { printFailures, printFindings } from '../render/problems.ts';
import { shownLine } from '../render/shown.ts';
import { inSurroundings, type Surroundings } from '../surroundings.ts';

interface ActivateOptions extends CommonOptions {
  readonly pullNeeded?: string;
}

/** In milliseconds: berth-activate.service has 90 s, and what is in the way should be said in time. */
const LOCK_PATIENCE = 45_000;

/** `berth activate`: what berth-activate.service runs before any container starts. */
export function defineActivate(command: Command): void {
  withCommonOptions(
    command
      .description(
        'Make the pins again that were lost, and every name that the booted root uses ' +
          'mean the image on its record. A name that somebody moved since the last boot of ' +
          'the same root is left alone, unless its lock holds it. Needs no network.',
      )
      .option(
        '--pull-needed <unit>',
        'change nothing; 1 if what this service of a .image unit pulls is on record and there, else 0',
        serviceName,
      ),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  berth activate\n  berth activate --pull-needed app-image.service && echo pulls',
    )
    .action(async (options: ActivateOptions) => {
      const { pullNeeded } = options;
      if (pullNeeded !== undefined) process.exitCode = (await asks(options, pullNeeded)) ? 0 : 1;
      else {
        await inSurroundings(options, (surroundings) => run(surroundings, options), {
          alone: true,
          lockPatience: LOCK_PATIENCE,
        });
      }
    });
}

async function run(surroundings: Surroundings, options: CommonOptions): Promise<void> {
  const { records } = await readSituation(surroundings);
  const booted = await withRoot(
    undefined,
    async (root, deployment) => {
      const id = idOfRoot(root.location, undefined, records, deployment);
      const location = deployment?.location ?? root.location;
      await loadWhatItShips(surroundings, root, plannedRoot(id, location, deployment));
      const locked = new Set((await readLock(root)).lock?.keys());
      return { id, locked, needs: records.has(id) || (await bindsAnything(root, surroundings)) };
    },
    options,
  );
  const result = await activate(surroundings, booted);
  const ready = result.findings.length === 0;
  print(options.format, {
    json: () => {
      const { id: root, findings, moved, drifted, switched, pins } = result;
      return {
        apiVersion: 'berth/v1',
        kind: 'ActivateResult',
        root,
        switched,
        pins,
        moved: [...moved],
        drifted: [...drifted],
        ready,
        findings: findings.map(findingEntry),
      };
    },
    table: () => table(result, ready),
    refs: () => result.moved,
  });
  if (options.format !== 'json') printFindings(result.findings);
  process.exitCode = ready ? 0 : exitCodes['not-ready'];
}

async function bindsAnything(root: Root, { compose }: Surroundings): Promise<boolean> {
  const { bindings, problems } = await wantedOf(root, { bind: undefined, compose });
  return bindings.length > 0 || problems.length > 0;
}

/** Whatever is wrong with that, pins and names of what is there are made sure of all the same. */
async function loadWhatItShips(
  surroundings: Surroundings,
  root: Root,
  planned: PlannedRoot,
): Promise<void> {
  try {
    const loaded = await loadShipped(
      surroundings,
      surroundings.registry,
      root,
      planned,
      surroundings,
    );
    if (loaded !== undefined) printFailures(failuresOf(loaded));
  } catch (error) {
    surroundings.signal.throwIfAborted();
    if (!(error instanceof BerthError)) throw error;
    printFailure(error, false);
  }
}

/** Where nothing can be told, the unit pulls as it always did: that must not be berth's fault. */
async function asks(options: CommonOptions, unit: string): Promise<boolean> {
  try {
    return await inSurroundings(options, async (surroundings) => {
      const situation = await readSituation(surroundings);
      const id = await idOfTarget(undefined, situation.records, options);
      return isPullNeeded(situation.records.get(id), situation, unit);
    });
  } catch (error) {
    printFailure(error, options.debug === true);
    return true;
  }
}

function table(result: Activated, ready: boolean): string {
  const lines = [
    ...(result.pins === 0 ? [] : [`${counted(result.pins, 'pin')} made again`]),
    ...result.moved.map((name) => `${name} means the image on record`),
    ...result.drifted.map(
      ({ name, id }) => `${name} was moved to ${shortDigest(id)} since the last boot; left alone`,
    ),
    `${result.id} ${verdict(result, ready)}${result.switched ? ', booted anew' : ''}.`,
  ];
  return lines.map(shownLine).join('');
}

function verdict({ isStaged }: Activated, ready: boolean): string {
  if (!ready) return 'is NOT ready';
  return isStaged ? 'is ready' : 'binds nothing: there is nothing to do';
}

function serviceName(text: string): string {
  if (/^[^/\s]{1,255}\.service$/.test(text)) return text;
  throw new InvalidArgumentError('expected the name of a service, as systemd’s %n gives it');
}
