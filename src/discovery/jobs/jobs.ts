import { posix } from 'node:path';
import { append } from '../../common/append.ts';
import { problemOf } from '../../root/problem-of.ts';
import { RootError } from '../../root/root.ts';
import { followed, whereInTree } from '../../systemd/etc.ts';
import type { Start } from '../../systemd/graph/boot-graph.ts';
import type { SystemdUnit, SystemdUnits } from '../../systemd/systemd-unit.ts';
import { Expander } from '../expander.ts';
import type { Problem } from '../problem.ts';
import type { Reference } from '../reference.ts';
import { Scripts } from '../services/scripts/scripts.ts';
import { imagesOfService, mayNameImages } from '../services/service-images.ts';
import type { Found, SourceContext } from '../source.ts';
import { jobsOf, mostVariables, type TableKind } from './crontab.ts';
import { type JobFile, unitOfJob, unitOfScript } from './job-unit.ts';

/** The services that read crontabs, of which the first that the root has counts. */
const cronServices = ['cron.service', 'crond.service', 'cronie.service', 'anacron.service'];

/** Services of the OS that run all scripts of some directories. */
const scriptDirectories: Readonly<Record<string, readonly string[]>> = {
  'NetworkManager-dispatcher.service': everywhere(
    'NetworkManager/dispatcher.d',
    'NetworkManager/dispatcher.d/no-wait.d',
    'NetworkManager/dispatcher.d/pre-down.d',
    'NetworkManager/dispatcher.d/pre-up.d',
  ),
  'greenboot-healthcheck.service': everywhere(
    'greenboot/check/required.d',
    'greenboot/check/wanted.d',
  ),
  'greenboot-task-runner.service': everywhere('greenboot/green.d'),
  'redboot-task-runner.service': everywhere('greenboot/red.d'),
};

function everywhere(...directories: readonly string[]): readonly string[] {
  return ['/etc', '/usr/lib'].flatMap((place) => directories.map((one) => `${place}/${one}`));
}

/** A command that a service runs although no unit names it. */
interface StartedJob {
  readonly unit: SystemdUnit;
  /** Whether a time starts the job, rather than the start of its service. */
  readonly isTimed: boolean;
}

/**
 * Finds the images that are named by commands without a unit: those of crontabs, and the scripts of greenboot and of
 * NetworkManager's dispatcher.
 */
export async function jobImages(
  context: SourceContext,
  units: SystemdUnits,
  startOf: (name: string) => Start,
): Promise<Found> {
  const references: Reference[] = [];
  const problems: Problem[] = [];
  const scripts = new Scripts(context);
  const withScripts = { ...context, expander: new Expander(context), scripts };
  for (const { unit, isTimed } of startedJobs(context, units, problems)) {
    if (context.allowance.isFull) break;
    if (!mayNameImages(unit, scripts)) continue;
    const found = await imagesOfService(unit, withScripts);
    append(problems, found.problems);
    append(
      references,
      isTimed ? found.references.map((one) => timed(one, startOf)) : found.references,
    );
  }
  return { references, problems };
}

function* startedJobs(
  context: SourceContext,
  units: SystemdUnits,
  problems: Problem[],
): Iterable<StartedJob> {
  yield* tableJobs(context, units, problems);
  yield* scriptJobs(context, units, problems);
}

/** A reference as started by a timer, if the service that runs the job starts. */
function timed(reference: Reference, startOf: (name: string) => Start): Reference {
  const { activation, via, conditions } = startOf(reference.unit);
  if (activation === 'none' || activation === 'unknown') return reference;
  return {
    ...reference,
    activation: 'timer',
    via,
    ...(conditions.length === 0 ? {} : { conditions }),
  };
}

/** The commands of the crontabs of the OS. */
function* tableJobs(
  context: SourceContext,
  units: SystemdUnits,
  problems: Problem[],
): Iterable<StartedJob> {
  const runner = cronServices.find((name) => units.unit(name)?.masked === false);
  if (runner === undefined) return;
  // Debian's cron passes over files with other names; cronie over those that editors and rpm leave.
  const isRead = (path: string) =>
    runner === 'cron.service'
      ? /\/[\w-]+$/.test(path)
      : !/(?:~|\.rpm(?:save|orig|new)|\.cron(?:tab)?)$/.test(path);
  const tables: (readonly [path: string, kind: TableKind])[] = [
    ['/etc/crontab', 'cron'],
    ...filesIn('/etc/cron.d', context, problems)
      .filter(isRead)
      .map((path) => [path, 'cron'] as const),
    ['/etc/anacrontab', 'anacron'],
  ];
  for (const [path, kind] of tables) {
    const file = read(path, context, problems);
    if (file === undefined) continue;
    const { jobs, cutAt } = jobsOf(file.text, kind);
    for (const job of jobs) yield { unit: unitOfJob(runner, file, job), isTimed: !job.isAtBoot };
    if (cutAt !== undefined) problems.push(tooManyVariables(file.path, cutAt, runner));
  }
}

function tooManyVariables(path: string, line: number, unit: string): Problem {
  return {
    code: 'too-large',
    path,
    line,
    message: `expected a table of jobs that sets at most ${mostVariables} variables, found more; nothing from this line on is read`,
    hint: 'set the variables in the scripts that need them',
    subject: { unitPath: path, unit },
  };
}

/** The scripts that services of the OS run from their directories. */
function scriptJobs(
  context: SourceContext,
  units: SystemdUnits,
  problems: Problem[],
): readonly StartedJob[] {
  return Object.entries(scriptDirectories).flatMap(([service, places]) => {
    if (units.unit(service)?.masked !== false) return [];
    return places
      .flatMap((place) => filesIn(place, context, problems))
      .map((path) => ({ unit: unitOfScript(service, { path, realPath: path }), isTimed: false }));
  });
}

/** The most files of a directory that are read. */
const mostFiles = 1_000;

function filesIn(
  directory: string,
  { root, etc }: SourceContext,
  problems: Problem[],
): readonly string[] {
  try {
    const entries = root.list(followed(root, etc, whereInTree(etc, directory))) ?? [];
    return entries
      .filter(({ name, kind }) => kind !== 'directory' && !name.startsWith('.'))
      .slice(0, mostFiles)
      .map(({ name }) => posix.join(whereInTree(etc, directory), name));
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    problems.push(problemOf(error));
    return [];
  }
}

function read(
  path: string,
  { root, etc }: SourceContext,
  problems: Problem[],
): (JobFile & { readonly text: string }) | undefined {
  const at = whereInTree(etc, path);
  try {
    const file = root.readFile(followed(root, etc, at));
    return file && { path: at, realPath: file.realPath, text: file.content.toString() };
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    problems.push(problemOf(error));
    return undefined;
  }
}
