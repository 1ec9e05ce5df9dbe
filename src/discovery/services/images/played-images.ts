import { posix } from 'node:path';
import { RootError } from '../../../root/root.ts';
import { whereInTree } from '../../../systemd/etc.ts';
import { type CitedText, citedText } from '../../cited/text.ts';
import { citedWorkloads } from '../../cited/workloads.ts';
import { imageOf } from '../../image-value.ts';
import type { Fault } from '../../problem.ts';
import type { CommandPull } from '../command-pull.ts';
import {
  type Findings,
  isForInstances,
  pathFault,
  problemAt,
  type ServiceContext,
  type ServicePlace,
} from '../service-place.ts';
import type { Word } from '../words.ts';
import { commandReference } from './command-reference.ts';

/** The properties of a `podman kube play` command that its images take over. */
export interface Played {
  readonly ignoresFailure: boolean;
  readonly pull: CommandPull;
}

/** Adds the images of the YAML files that `podman kube play` plays. */
export async function playedImages(
  files: readonly Word[],
  played: Played,
  place: ServicePlace,
  context: ServiceContext,
  found: Findings,
): Promise<void> {
  for (const file of files) {
    if (file.fault !== undefined) {
      if (!isForInstances(place, file.raw)) found.problems.push(problemAt(place, file.fault));
      continue;
    }
    const fault =
      file.text === '-' || /^https?:/.test(file.text)
        ? noFile('something that is not a file of the root')
        : pathFault(place, file.text);
    if (fault !== undefined) found.problems.push(problemAt(place, fault));
    else await playFile(posix.resolve(place.directory, file.text), played, place, context, found);
  }
}

async function playFile(
  booted: string,
  { ignoresFailure, pull }: Played,
  place: ServicePlace,
  { root, etc, shortNames, allowance }: ServiceContext,
  found: Findings,
): Promise<void> {
  const path = whereInTree(etc, booted);
  let file: CitedText | undefined;
  try {
    file = citedText(root, path, allowance);
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    const { code, message, hint } = error;
    found.problems.push({ code, path, message, hint, subject: place.subject });
    return;
  }
  if (file === undefined) {
    found.problems.push(problemAt(place, noFile(`${booted}, which the root does not have`)));
    return;
  }
  const { images, faults } = await citedWorkloads(file);
  const { subject } = place;
  for (const fault of faults) found.problems.push({ ...fault, path, subject });
  for (const { raw, line, key, policy } of images) {
    const isFaulty = policy === 'always' && !ignoresFailure;
    const own: CommandPull = {
      options: { ...pull.options, policy },
      faults: isFaulty ? [...pull.faults, pullAlways] : pull.faults,
    };
    const image = imageOf(raw, shortNames);
    found.references.push(commandReference({ raw, path, line, key }, image, own, place));
  }
}

function noFile(what: string): Fault {
  return {
    code: 'command-line',
    message: `expected a YAML file of the root to play, found ${what}`,
    hint: 'ship the file in the root, or leave the unit unbound',
  };
}

const pullAlways: Fault = {
  code: 'pull-always',
  message: 'expected a workload that starts offline, found imagePullPolicy: Always',
  hint: 'set imagePullPolicy: IfNotPresent',
};
