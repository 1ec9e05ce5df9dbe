import { type Command, InvalidArgumentError, Option } from 'commander';
import { counted } from '../../common/counted.ts';
import { type EngineGroup, engineGroups } from '../../common/engine-id.ts';
import { findingEntry } from '../../documents/entries.ts';
import { needsPull, readBootedRoot } from '../../host/boot.ts';
import type { Host } from '../../host/host.ts';
import { type Activated, activate } from '../../lifecycle/boot/activate.ts';
import { suitReading } from '../heap.ts';
import { type CommonOptions, withCommonOptions } from '../options.ts';
import { print } from '../output.ts';
import { exitCodes, printFailure } from '../render/failure.ts';
import { shortDigest } from '../render/plan.ts';
import { printFailures, printFindings } from '../render/problems.ts';
import { shownLine } from '../render/shown.ts';
import { withHost } from '../with-host.ts';

interface ActivateOptions extends CommonOptions {
  readonly pullNeeded?: string;
  readonly for?: EngineGroup;
}

/**
 * How long to wait for a lock, in milliseconds: berth must name the process that holds the lock before systemd ends
 * the activation. berth-activate.service and berth-activate-users.service have 90 s. The activations of other engines
 * have 5 minutes, and wait for these two at a boot.
 */
function lockPatience(group: EngineGroup | undefined): number {
  return group === undefined || group === 'system' || group === 'users' ? 45_000 : 240_000;
}

/** `berth activate`, which berth-activate.service runs before any container starts. */
export function defineActivate(command: Command): void {
  withCommonOptions(
    command
      .description(
        'Hand over images that wait for their engine, restore lost pins, and make every name that ' +
          'the booted root uses mean the image on its record. A name that somebody moved since the last boot of ' +
          'the same root stays as it is, unless the root’s lock file has it. Needs no network.',
      )
      .addOption(
        new Option(
          '--for <engines>',
          'only some engines: podman of the system, podman of users, docker, containerd or CRI-O; ' +
            'all by default',
        ).choices(engineGroups),
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
        await withHost(options, (host) => run(host, options), {
          alone: true,
          lockPatience: lockPatience(options.for),
        });
      }
    });
}

async function run(host: Host, options: ActivateOptions): Promise<void> {
  suitReading();
  const booted = await readBootedRoot(host, options.for);
  printFailures(booted.failures);
  if (booted.failure !== undefined) printFailure(booted.failure, false);
  const result = await activate(await host.context(), booted);
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

/** If berth can't tell, the unit pulls as it does without berth: a pull must not fail because of berth. */
async function asks(options: CommonOptions, unit: string): Promise<boolean> {
  try {
    return await withHost(options, (host) => needsPull(host, unit));
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
    `${result.id} ${verdict(result, ready)}.`,
  ];
  return lines.map(shownLine).join('');
}

function verdict({ isStaged, switched }: Activated, ready: boolean): string {
  if (!isStaged && ready) return 'binds no image: there is nothing to do';
  return `is ${ready ? '' : 'NOT '}ready${switched ? '; another root ran before this boot' : ''}`;
}

function serviceName(text: string): string {
  if (/^[^/\s]{1,255}\.service$/.test(text)) return text;
  throw new InvalidArgumentError('Expected the name of a service, as systemd’s %n gives it.');
}
