import type { Command } from 'commander';
import { unlockFinalisation } from '../../deployment/finalisation.ts';
import { nextRootOf } from '../../deployment/next-root.ts';
import { runningSystem } from '../../deployment/places.ts';
import { findingEntry } from '../../documents/entries.ts';
import type { Host } from '../../host/host.ts';
import { type Gated, gate } from '../../lifecycle/boot/gate.ts';
import { softRebootWarning } from '../../lifecycle/boot/soft-reboot.ts';
import { type CommonOptions, withCommonOptions } from '../options.ts';
import { print } from '../output.ts';
import { exitCodes } from '../render/failure.ts';
import { printFindings } from '../render/problems.ts';
import { shownLine } from '../render/shown.ts';
import { answeringYesOrNo, withHost } from '../with-host.ts';

/** `berth gate`, which berth-gate.service runs when the host goes down. */
export function defineGate(command: Command): void {
  withCommonOptions(
    command.description(
      'Keep the queued root from being booted while images that it needs are known to be ' +
        'missing, by locking ostree’s finalisation. Exit code: 0 if the root is let through, or ' +
        'nothing is queued; 3 if it is held; 1 if berth can’t tell, and then the root is not ' +
        'held. Needs no network.',
    ),
  )
    .addHelpText('after', '\nExamples:\n  berth gate\n  berth gate --format json | jq .decision')
    .action(async (options: CommonOptions) => {
      // Remove our lock from an earlier run first: if anything below fails, the host must not stay locked.
      unlockFinalisation(runningSystem);
      await answeringYesOrNo(() =>
        withHost(options, (host) => run(host, options), { alone: true }),
      );
    });
}

async function run(host: Host, options: CommonOptions): Promise<void> {
  const { gate: limits } = await host.config();
  const { deployments, failures } = await host.deployments.all();
  const staged = deployments.find(({ role }) => role === 'staged');
  const [failure] = failures;
  if (staged === undefined && failure !== undefined) throw failure;
  const context = await host.context();
  const gated = await gate(context, staged, runningSystem, limits);
  const nextRoot = () => nextRootOf(runningSystem, deployments);
  const warning = await softRebootWarning(context, nextRoot);
  const warnings = warning === undefined ? [] : [warning];
  print(options.format, {
    json: () => ({
      apiVersion: 'berth/v1',
      kind: 'GateResult',
      decision: gated.decision,
      ...(gated.root === undefined ? {} : { root: gated.root }),
      ...(gated.since === undefined ? {} : { since: gated.since }),
      findings: gated.findings.map(findingEntry),
      warnings,
    }),
    table: () => shownLine(said(gated)),
    refs: () => gated.findings.flatMap(({ name }) => name ?? []),
  });
  for (const one of warnings) process.stderr.write(shownLine(`warning: ${one}`));
  if (options.format !== 'json') printFindings(gated.findings);
  process.exitCode = exitCodeFor(gated);
}

function exitCodeFor({ decision }: Gated): number {
  if (decision === 'held') return exitCodes['not-ready'];
  return decision === 'unknown' ? exitCodes.failed : 0;
}

function said({ root, decision, findings, since }: Gated): string {
  const lacks = `${findings.length} ${findings.length === 1 ? 'thing is' : 'things are'} missing`;
  switch (decision) {
    case 'nothing':
      return 'Nothing is queued.';
    case 'open':
      return `${root} is let through: none of its images is known to be missing.`;
    case 'held':
      return `${root} is HELD: ${lacks}. The host boots what it runs now; it has been held since ${since}.`;
    case 'overdue':
      return `${root} is NOT ready, and let through: the host was held since ${since}, and ${lacks}.`;
    case 'unheld':
      return `${root} is NOT ready, and can't be held: ${lacks}. On composefs this only warns.`;
    case 'unknown':
      return findings.length === 0
        ? `${root} was never staged here: NOT known to be ready, and let through.`
        : `${root} is NOT known to be ready, and let through: not all of its images can be looked at.`;
  }
}
