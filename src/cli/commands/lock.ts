import type { Command } from 'commander';
import { type Bound, readBound } from '../../binding/bound.ts';
import { LOCK_PATH, lockText } from '../../binding/lock.ts';
import { concealedIn } from '../../common/concealed.ts';
import { counted } from '../../common/counted.ts';
import { isDeploymentName } from '../../deployment/deployment.ts';
import { failureEntry, problemEntry } from '../../documents/entries.ts';
import type { Host } from '../../host/host.ts';
import { byDigest } from '../../image/name.ts';
import { compareLocks, type Resolved, resolveForLock } from '../../lifecycle/write-lock.ts';
import type { Root } from '../../root/root.ts';
import { writeInRoot } from '../../root/write-in-root.ts';
import { CliError } from '../errors.ts';
import { isTable, type RootOptions, withRootOptions } from '../options.ts';
import { print } from '../output.ts';
import { printBound } from '../render/bound.ts';
import { exitCodeOf, exitCodes } from '../render/failure.ts';
import { checkTable, lockEntries, lockRefs, lockTable } from '../render/lock.ts';
import { printFailures } from '../render/problems.ts';
import { shownLine } from '../render/shown.ts';
import { reading, withHost } from '../with-host.ts';

interface LockOptions extends RootOptions {
  readonly check?: boolean;
}

/** `berth lock`: decide what names mean when the root is built. */
export function defineLock(command: Command): void {
  withRootOptions(
    command
      .description(
        'Resolve every bound image of ROOT and write its digest into the root, to ' +
          `${LOCK_PATH}. From then on plan and stage use exactly these ` +
          'images, on every host that gets the root.',
      )
      .option('--check', 'write nothing; say what has moved since: 0 nothing, 3 something'),
  )
    .addHelpText('after', '\nExamples:\n  berth lock ./rootfs\n  berth lock --check ./rootfs')
    .action(async (spec: string | undefined, options: LockOptions) => {
      if (options.check !== true) refuseImage(spec);
      await withHost(options, async (host) => {
        const read = await reading(host, spec ?? '/', (root) => readForLock(host, root, options));
        const resolved = await resolveForLock(host, host.registry, read.bindings);
        if (options.check === true) printCheck(read, resolved, options);
        else
          writeLock(
            isDeploymentName(spec) ? read.found.location : (spec ?? '/'),
            read,
            resolved,
            options,
          );
        printFailures(resolved.failures);
        printBound(read, read.found.location, options);
      });
    });
}

async function readForLock(host: Host, root: Root, options: LockOptions): Promise<Bound> {
  const { compose } = await host.config();
  const read = await readBound(root, { bind: options.bind, compose });
  if (options.check === true) return read;
  // A damaged lock file is about to be replaced, so its damage is not reported.
  return { ...read, problems: read.problems.filter(({ code }) => code !== 'lock-file') };
}

function writeLock(spec: string, read: Bound, resolved: Resolved, options: LockOptions): void {
  const { lock, failures } = resolved;
  const text = lockText(lock);
  const { text: before, problem } = read.found.lock;
  const hasLock = before !== undefined || problem !== undefined;
  // An empty lock file is written only to replace an existing one.
  const isWanted = failures.length === 0 && (lock.size > 0 || hasLock);
  const written = isWanted && text !== before;
  const isPrivate = concealedIn(text).length > 0;
  if (written) writeInRoot(spec, LOCK_PATH, text, isPrivate ? 0o600 : 0o644);
  if (written && isPrivate) {
    process.stderr.write(
      shownLine(
        `warning: ${LOCK_PATH} has names with values of files that not everybody may read, so only root may read it`,
      ),
    );
  }
  print(options.format, {
    json: () => ({
      apiVersion: 'berth/v1',
      kind: 'LockResult',
      root: read.found.location,
      path: LOCK_PATH,
      written,
      images: lockEntries(lock),
      problems: read.problems.map(problemEntry),
      failures: failures.map(failureEntry),
    }),
    table: (look) => lockTable(lock, look),
    refs: () => lockRefs(lock),
  });
  if (isTable(options.format) && lock.size > 0) sayWritten(lock.size, written, failures.length);
  process.exitCode =
    exitCodeOf(failures.map(({ error }) => error)) ||
    (read.hasUnknown ? exitCodes['not-ready'] : 0);
}

function sayWritten(images: number, written: boolean, failures: number): void {
  const word =
    failures > 0
      ? 'not written: every bound name must be resolved'
      : written
        ? 'written'
        : 'unchanged';
  process.stdout.write(`\n${LOCK_PATH}: ${counted(images, 'image')}, ${word}.\n`);
}

function printCheck(read: Bound, { lock, failures }: Resolved, options: LockOptions): void {
  const { found, bindings, problems, hasUnknown } = read;
  const check = compareLocks(found.lock.lock ?? new Map(), lock, bindings);
  const differs = check.moved.length + check.missing.length + check.extra.length > 0;
  const broken = found.lock.problem !== undefined;
  const current = !differs && !broken && !hasUnknown && failures.length === 0;
  print(options.format, {
    json: () => ({
      apiVersion: 'berth/v1',
      kind: 'LockCheck',
      root: found.location,
      current,
      moved: [...check.moved],
      missing: [...check.missing],
      extra: [...check.extra],
      problems: problems.map(problemEntry),
      failures: failures.map(failureEntry),
    }),
    table: (look) =>
      checkTable(check, look) +
      (current ? `${counted(bindings.length, 'image')}, none has moved.\n` : ''),
    refs: () => check.moved.map(({ name, found: digest }) => byDigest(name, digest)),
  });
  // A known difference decides the exit code, even if some names could not be resolved.
  const isStale = differs || broken || hasUnknown;
  process.exitCode = isStale
    ? exitCodes['not-ready']
    : exitCodeOf(failures.map(({ error }) => error));
}

function refuseImage(spec: string | undefined): void {
  if (spec?.startsWith('image:') !== true) return;
  throw new CliError('lock-root', `expected a directory to write a lock into, found ${spec}`, {
    hint: 'lock the tree that the image is built from, before it is built',
  });
}
