import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { Command } from 'commander';
import { programOf } from '../../src/cli/program.ts';
import { exitCodes } from '../../src/cli/render/failure.ts';
import { Semaphore } from '../../src/common/semaphore.ts';
import { container, type Machine, main, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { skipMounts, smallFileSystem } from '../support/small-file-system.ts';

const image = 'registry.example.com/web:1';

/** Every command of berth, with its options. */
const commands = await Promise.all(
  (await programOf([])).commands.map(async (command) => {
    const name = command.name();
    const { commands: loaded } = await programOf([name]);
    return loaded.find((one) => one.name() === name) ?? assert.fail(name);
  }),
);

interface Lab {
  readonly machine: Machine;
  readonly root: string;
  /** A bundle of the root. */
  readonly file: string;
  /** A state directory with the root staged, to be copied. */
  readonly state: string;
}

async function start(t: TestContext): Promise<Lab> {
  const machine = await startMachine(t);
  const { directory } = machine;
  machine.registry.push('web:1', buildImage({ layers: [{ bytes: 100_000, seed: 1 }] }));
  const policy = { 'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n' };
  const root = writeRoot(join(directory, 'os'), { ...policy, ...container('web', image) });
  const file = join(directory, 'site.tar.zst');
  for (const words of [
    ['stage', '--engine', 'store', '--id', 'os', root],
    ['bundle', root, '--output', file],
  ]) {
    const { code, stderr } = await machine.berth(...words);
    assert.equal(code, 0, stderr);
  }
  return { machine, root, file, state: join(directory, 'state') };
}

/** Words with which a command has something to do: operands and options by what the command tree asks for. */
function wordsFor(command: Command, { root, file }: Lab): readonly string[] {
  const name = command.name();
  const operands: Readonly<Record<string, string>> = { root, file, shell: 'bash' };
  const given = command.registeredArguments.map((one) => operands[one.name()] ?? image);
  const needed = command.options.filter(({ mandatory }) => mandatory);
  const options = needed.flatMap(({ long }) => [long ?? '', `${file}.${name}`]);
  const opensHost = command.options.some(({ long }) => long === '--engine');
  if (opensHost) options.push('--engine', 'store');
  return [name, ...given, ...options, ...(name === 'prune' ? ['--force'] : [])];
}

interface Trouble {
  /** A line of bash that runs `"$@"`. */
  readonly line?: string;
  /** Makes what the commands find, and says where: with a state directory for each command, by default a copy. */
  readonly surroundings?: (lab: Lab, t: TestContext) => NodeJS.ProcessEnv;
  /** A program that runs the commands. */
  readonly by?: readonly string[];
  readonly skip?: string | false;
}

const troubles: Readonly<Record<string, Trouble>> = {
  'a full standard output, and no directory for temporary files': {
    line: '"$@" >/dev/full',
    surroundings: () => ({ TMPDIR: '/nonexistent/tmp' }),
  },
  'readers that have gone': { line: '"$@" 2>&1 | :' },
  'no open descriptors': { line: '"$@" <&- >&- 2>&-' },
  'a full standard error, and no standard input': { line: '"$@" 2>/dev/full <&-' },
  'a full disk that has the records and the temporary files': {
    surroundings: ({ state }, t) => {
      const { directory } = smallFileSystem(t, 'size=600k');
      const full = join(directory, 'state');
      cpSync(state, full, { recursive: true });
      fill(directory);
      return { BERTH_STATE_DIR: full, TMPDIR: directory };
    },
    skip: skipMounts,
  },
  'a full disk, and no records': {
    surroundings: (_, t) => {
      const { directory } = smallFileSystem(t, 'size=100k');
      fill(directory);
      return { BERTH_STATE_DIR: join(directory, 'state'), TMPDIR: directory };
    },
    skip: skipMounts,
  },
  'records and homes of others': {
    surroundings: ({ machine: { directory } }) => {
      chmodSync(directory, 0o755);
      return { HOME: '/nonexistent', TMPDIR: directory };
    },
    by: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'],
    skip: process.geteuid?.() === 0 ? false : 'only root can become another user',
  },
};

/** Fills a file system. Small files leave less room than one large file does. */
function fill(directory: string): void {
  assert.throws(() => {
    for (let at = 0; ; at++) writeFileSync(join(directory, `full-${at}`), Buffer.alloc(4096));
  }, /ENOSPC/);
}

/** What a shell says of programs that SIGPIPE and SIGTERM ended. */
const signals = [141, 143];

for (const [name, trouble] of Object.entries(troubles)) {
  test(`no command fails by a fault of berth itself with ${name}`, {
    skip: trouble.skip ?? false,
  }, async (t) => {
    const lab = await start(t);
    const surroundings = trouble.surroundings?.(lab, t) ?? {};
    const slots = new Semaphore(3);
    const suffer = async (command: Command) => {
      const own = join(lab.machine.directory, `states/${command.name()}`);
      cpSync(lab.state, own, { recursive: true });
      const environment = { ...lab.machine.environment, BERTH_STATE_DIR: own, ...surroundings };
      const { code, said } = await run(wordsFor(command, lab), trouble, environment);
      assert.ok(
        [0, ...Object.values(exitCodes), ...signals].includes(code),
        `${command.name()}: ${code} ${said}`,
      );
      assert.doesNotMatch(said, /^ +at |a fault of berth itself|node:internal/m, command.name());
      if (trouble.line?.includes('>/dev/full') === true) {
        assert.ok(!said.includes('ENOSPC') || code === 1, `${command.name()}: ${code} ${said}`);
      }
    };
    await Promise.all(commands.map((command) => slots.run(1, () => suffer(command))));
  });
}

async function run(
  [command = '', ...words]: readonly string[],
  { line = '"$@"', by = [] }: Trouble,
  environment: NodeJS.ProcessEnv,
): Promise<{ readonly code: number; readonly said: string }> {
  // A watch ends only by a signal, and most of these troubles end none.
  const limit = command === 'watch' ? ['timeout', '--preserve-status', '2'] : [];
  const program = [...by, ...limit, process.execPath, main, command, ...words];
  const child = spawn('bash', ['-c', `set -o pipefail; ${line}`, 'bash', ...program], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  }
  const [code] = (await once(child, 'close')) as [number];
  return { code, said };
}
