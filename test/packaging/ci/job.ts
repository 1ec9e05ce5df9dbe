import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Machine, main, type Outcome, writeRoot } from '../../support/berth.ts';

/** A script of a job, the variables that it is given, and the shell that runs it. */
export interface Script {
  readonly text: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly shell: readonly string[];
}

/** A checkout with `berth` and the script that builds the tree. */
export function checkOut(machine: Machine, files: Readonly<Record<string, string>>): string {
  const bin = join(machine.directory, 'bin');
  const berth = `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`;
  writeRoot(machine.directory, { 'bin/berth': berth, 'checkout/.keep': '' });
  const checkout = join(machine.directory, 'checkout');
  const sources = join(machine.directory, 'sources');
  writeRoot(sources, files);
  writeFileSync(join(checkout, 'build-rootfs'), `#!/bin/sh\ncp -R '${sources}' rootfs\n`);
  for (const file of [join(bin, 'berth'), join(checkout, 'build-rootfs')]) chmodSync(file, 0o755);
  machine.environment['PATH'] = `${bin}:${process.env['PATH']}`;
  return checkout;
}

/** Runs scripts in order, until one fails. @returns the outcome of each that ran. */
export async function runScripts(
  machine: Machine,
  checkout: string,
  scripts: readonly Script[],
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { text, variables, shell } of scripts) {
    const words = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    const line = ['env', `--chdir=${checkout}`, ...words, ...shell, text] as const;
    const outcome = await machine.program(...line);
    outcomes.push(outcome);
    if (outcome.code !== 0) break;
  }
  return outcomes;
}
