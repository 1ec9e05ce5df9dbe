import { append } from '../../../common/append.ts';
import { dockerShortNames, noShortNames, type ShortNames } from '../../../image/short-names.ts';
import type { CommandLine } from '../../../systemd/command-line.ts';
import { dockerProgram } from '../../engines/docker-program.ts';
import { type Placement, placed } from '../../engines/placement.ts';
import { lastValue } from '../../engines/podman-of-user.ts';
import { namesOnEngine, shortNamesOf } from '../../engines/short-names.ts';
import { dockerEnvironment, podmanEnvironment, withAuthFile } from '../../podman-environment.ts';
import type { ComposeCommand } from '../compose-command.ts';
import { engineOfCommand, engineOfCompose } from '../engine/command-engine.ts';
import type { ContainerCommand } from '../read-command.ts';
import {
  type Findings,
  isForInstances,
  problemAt,
  type ServiceContext,
  type ServicePlace,
} from '../service-place.ts';
import { commandImages } from './command-images.ts';
import { composedImages } from './composed-images.ts';

/** The prefixes of a command line that count for its images. */
export type Line = Pick<CommandLine, 'ignoresFailure' | 'ignoresUser'>;

/** Adds the images of a command, with the engine that runs their containers. */
export async function placedImages(
  command: ContainerCommand,
  line: Line,
  place: ServicePlace,
  context: ServiceContext,
  found: Findings,
): Promise<void> {
  const placement = await engineOfCommand(command, line, place, context);
  if (placement.fault !== undefined && hasUserOfInstances(place)) return;
  const images: Findings = { references: [], problems: found.problems };
  const { program, path, caller } = command;
  const isPodman =
    ['podman', 'skopeo', 'buildah'].includes(program) ||
    (program === 'docker' && dockerProgram(path, context) === 'podman');
  const unit = {
    service: place.unit.name,
    entries: caller.resets ? [] : place.unit.entries,
  };
  const environment = isPodman
    ? await podmanEnvironment(unit, context, caller.variables)
    : dockerEnvironment(program, unit, context, caller.variables);
  const { containersConf = context.containersConf } = environment;
  const own = {
    ...context,
    containersConf,
    // The storage.conf of the system says nothing about the stores of a user's podman.
    additionalStores: placement.engine === 'podman' ? (context.additionalStores ?? []) : [],
    shortNames: namesFor(
      program,
      isPodman,
      placement,
      environment.shortNames ?? context.shortNames,
    ),
  };
  await commandImages(command, line.ignoresFailure, place, own, images);
  const faults = environment.faults.map((fault) => problemAt(place, fault));
  append(
    found.references,
    context.allowance.admit(images.references).map((reference) => {
      const { problems, ...rest } = withAuthFile(reference, environment);
      return placed({ ...rest, problems: [...problems, ...faults] }, placement);
    }),
  );
}

/** Adds the images of a Compose project, with the engine that runs its containers. */
export async function placedProject(
  command: ComposeCommand,
  line: Line,
  place: ServicePlace,
  context: ServiceContext,
  found: Findings,
): Promise<void> {
  const placement = await engineOfCompose(command, line, place, context);
  if (placement.fault !== undefined && hasUserOfInstances(place)) return;
  const images: Findings = { references: [], problems: found.problems };
  const own = { ...context, ...namesOnEngine(placement.engine, context) };
  await composedImages(command, line.ignoresFailure, place, own, images);
  append(
    found.references,
    context.allowance.admit(images.references).map((reference) => placed(reference, placement)),
  );
}

/** The meaning of names without a registry to a program. */
function namesFor(
  program: ContainerCommand['program'],
  isPodman: boolean,
  { engine }: Placement,
  ofRoot: ShortNames,
): ShortNames {
  if (program === 'ctr') return noShortNames;
  if (program === 'crictl') return shortNamesOf(engine, ofRoot);
  // skopeo's `docker://nginx` is Docker Hub's.
  return isPodman && program !== 'skopeo' ? shortNamesOf(engine, ofRoot) : dockerShortNames;
}

/** Whether the user depends on the instance, which a template itself does not have. */
function hasUserOfInstances({ unit }: ServicePlace): boolean {
  return isForInstances({ unit }, lastValue(unit.entries, 'User'));
}
