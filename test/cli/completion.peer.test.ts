import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { scripts } from '../../src/cli/completion/scripts.ts';
import { programOf } from '../../src/cli/program.ts';
import { container, type Machine, main, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';

const image = 'registry.example.com/acme/web:1';

/** A machine with a staged root, `berth` on its PATH, and the scripts of all shells. */
async function start(t: TestContext): Promise<Machine> {
  const machine = await startMachine(t);
  const { directory, environment } = machine;
  machine.registry.push('acme/web:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  const root = writeRoot(join(directory, 'rootfs'), container('web', image));
  const flags = ['--engine', 'store', '--bind', 'all', '--id', 'next-os'];
  assert.equal((await machine.berth('stage', ...flags, root)).code, 0);
  mkdirSync(join(directory, 'bin'));
  mkdirSync(join(directory, 'work/dir with blanks'), { recursive: true });
  writeFileSync(join(directory, 'work/site.tar.zst'), '');
  const berth = join(directory, 'bin/berth');
  writeFileSync(berth, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
  chmodSync(berth, 0o755);
  environment['PATH'] = `${join(directory, 'bin')}:${environment['PATH']}`;
  environment['TERM'] = 'dumb';
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout, stderr } = await machine.berth('completion', shell);
    assert.equal(code, 0, stderr);
    writeFileSync(join(directory, shell), stdout);
  }
  return machine;
}

interface Shell {
  readonly command: string;
  /** Loads the completion, and binds Ctrl-O to printing `LINE<…>` with what stands on the command line. */
  readonly setUp: (script: string) => string;
}

const shells: Readonly<Record<string, Shell>> = {
  bash: {
    command: 'bash --norc --noprofile -i',
    setUp: (script) =>
      `bind 'set bell-style none'; bind 'set show-all-if-ambiguous on'; source ${script}; ` +
      `bind -x '"\\C-o": printf "\\nLINE<%s>\\n" "$READLINE_LINE"'`,
  },
  zsh: {
    command: 'zsh -f -i',
    setUp: (script) =>
      `unsetopt beep; autoload -Uz compinit; compinit -u -D; source ${script}; ` +
      `show() { print; print -r -- "LINE<$BUFFER>" }; zle -N show; bindkey '^O' show`,
  },
};

/** A real shell on a terminal. */
function open({ directory, environment }: Machine, t: TestContext, name: string) {
  const shell = shells[name] ?? assert.fail(name);
  const child = spawn('script', ['-qec', shell.command, '/dev/null'], {
    cwd: join(directory, 'work'),
    env: environment,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const output = child.stdout.setEncoding('utf8')[Symbol.asyncIterator]();
  const until = async (pattern: RegExp) => {
    let printed = '';
    while (!pattern.test(printed)) {
      const piece = await output.next();
      assert.ok(piece.done !== true, printed);
      printed += String(piece.value);
    }
    return printed;
  };
  return {
    /** The words of the set-up are echoed, too: READY appears only when it has run. */
    async begin() {
      child.stdin.write(`${shell.setUp(join(directory, name))}; echo "REA""DY"\n`);
      await until(/READY/);
    },
    /** Types keys. @returns the command line afterwards, and all that was printed. */
    async type(keys: string) {
      child.stdin.write(`${keys}\x0f`);
      const printed = await until(/^LINE<.*>\r?\n/m);
      child.stdin.write('\x15');
      return { line: /^LINE<(.*)>\r?\n/m.exec(printed)?.[1]?.trimEnd(), printed };
    },
  };
}

const lines = {
  'berth rel': 'berth release',
  'berth --config site': 'berth --config site.tar.zst',
  'berth --config site.tar.zst rel': 'berth --config site.tar.zst release',
  'berth stage --download': 'berth stage --download-only',
  'berth stage --format js': 'berth stage --format json',
  'berth stage --format=js': 'berth stage --format=json',
  'berth stage -o js': 'berth stage -o json',
  'berth images --activation on-f': 'berth images --activation on-failure',
  'berth plan --engine cr': 'berth plan --engine crio',
  'berth verify ne': 'berth verify next-os',
  'berth stage --id=ne': 'berth stage --id=next-os',
  'berth verify roll': 'berth verify rollback',
  'berth lock ne': 'berth lock ne',
  'berth why regis': `berth why ${image}`,
  'berth why registry.example.com/acme/web:': `berth why ${image}`,
  'berth why web.s': 'berth why web.service',
  'berth pin regis': `berth pin ${image}`,
  'berth pin foo regis': `berth pin foo ${image}`,
  'berth load si': 'berth load site.tar.zst',
  'berth bundle --output=si': 'berth bundle --output=site.tar.zst',
  'berth stage d': 'berth stage dir\\ with\\ blanks/',
  'berth release -- ne': 'berth release -- next-os',
  'berth completion fi': 'berth completion fish',
  'berth help wa': 'berth help watch',
  'berth nonsense x': 'berth nonsense x',
};

for (const name of ['bash', 'zsh']) {
  test(`TAB in a real ${name}`, async (t) => {
    const machine = await start(t);
    const shell = open(machine, t, name);
    await shell.begin();
    for (const [begun, expected] of Object.entries(lines)) {
      const { line, printed } = await shell.type(`${begun}\t`);
      assert.equal(line, expected, printed);
    }
    const { printed } = await shell.type('berth st\t\t');
    for (const word of ['stage', 'status']) {
      assert.match(printed, new RegExp(`^(.* )?${word}\\b`, 'm'));
    }
  });
}

const odd = {
  dev: String.raw`dev-x\\x2dy.service`,
  run: String.raw`run\$\(id\).service`,
  and: String.raw`and\;id.service`,
};

for (const name of ['bash', 'zsh'] as const) {
  test(`a real ${name} takes names as they are, whatever they mean to it`, async (t) => {
    const machine = await startMachine(t);
    const { directory, environment } = machine;
    for (const made of ['bin', 'work']) mkdirSync(join(directory, made));
    writeFileSync(join(directory, name), scripts[name]);
    const units = String.raw`'dev-x\x2dy.service' 'run$(id).service' 'and;id.service'`;
    const berth = join(directory, 'bin/berth');
    writeFileSync(berth, `#!/bin/sh\nprintf 'none\\n'; printf '%s\\t\\n' ${units}\n`, {
      mode: 0o755,
    });
    environment['PATH'] = `${join(directory, 'bin')}:${environment['PATH']}`;
    environment['TERM'] = 'dumb';
    const shell = open(machine, t, name);
    await shell.begin();
    for (const [begun, expected] of Object.entries(odd)) {
      const { line, printed } = await shell.type(`berth why ${begun}\t`);
      assert.equal(line, `berth why ${expected}`, printed);
    }
  });
}

test('what a real fish offers', async (t) => {
  const { directory, environment } = await start(t);
  for (const [begun, completed] of Object.entries(lines)) {
    const words = ['source $argv[1]; complete -C $argv[2]', join(directory, 'fish'), begun];
    const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', ...words], {
      cwd: join(directory, 'work'),
      env: environment,
      encoding: 'utf8',
    });
    assert.equal(stderr, '', begun);
    const offered = stdout.split('\n').map((line) => line.split('\t')[0] ?? '');
    const last = completed.replaceAll('\\ ', '\0').split(' ').at(-1)?.replaceAll('\0', ' ') ?? '';
    if (begun === completed) assert.equal(stdout, '', begun);
    else assert.ok(offered.includes(last), `${begun}: ${stdout}`);
  }
});

test('every command is completed, and every option with choices', async (t) => {
  const machine = await startMachine(t);
  const offered = async (...words: string[]) => {
    const { code, stdout, stderr } = await machine.berth('complete', '--', ...words);
    assert.deepEqual([code, stderr], [0, '']);
    const [, ...rows] = stdout.trimEnd().split('\n');
    return rows.map((row) => row.split('\t')[0]);
  };
  const names = (await programOf([])).commands.map((command) => command.name());
  assert.deepEqual(await offered(''), names);
  assert.ok(!names.includes('complete'));
  const command = (await programOf(['lint'])).commands.find((one) => one.name() === 'lint');
  const options = command?.options ?? [];
  const flags = await offered('lint', '-');
  for (const { long, argChoices } of options) {
    assert.ok(long === undefined || flags.includes(long), long);
    if (long === undefined || argChoices === undefined) continue;
    assert.deepEqual(await offered('lint', long, ''), argChoices);
    assert.deepEqual(
      await offered('lint', `${long}=`),
      argChoices.map((choice) => `${long}=${choice}`),
    );
  }
});

test('completion asks no registry, changes nothing, and is quiet about what it can’t read', async (t) => {
  const machine = await start(t);
  const { directory, registry } = machine;
  const asked = registry.requests.length;
  const state = join(directory, 'state');
  const before = readdirSync(state, { recursive: true });
  const { stdout } = await machine.berth('complete', '--', 'why', '');
  assert.ok(stdout.includes(`${image}\t`));
  assert.equal(registry.requests.length, asked);
  assert.deepEqual(readdirSync(state, { recursive: true }), before);
  const broken = { 'next-os.json': '{"apiVersion": "berth/v9"}', 'other.json': 'nonsense' };
  for (const [name, text] of Object.entries(broken))
    writeFileSync(join(state, 'roots', name), text);
  const words = ['why', 'verify', 'unpin', 'nonsense'].map((command) => [command, '']);
  const surroundings = [[], ['--state-dir', '/nowhere'], ['--config', directory]];
  for (const [command = '', current = ''] of words) {
    for (const options of surroundings) {
      const result = await machine.berth('complete', '--', command, ...options, current);
      assert.deepEqual([result.code, result.stderr], [0, ''], command);
    }
  }
  if (process.geteuid?.() !== 0) return;
  const stranger = [
    '--reuid=65534',
    '--regid=65534',
    '--clear-groups',
    '--',
    process.execPath,
    main,
  ];
  const line = ['verify', '--state-dir', state, ''];
  const result = await machine.program('setpriv', ...stranger, 'complete', '--', ...line);
  assert.deepEqual([result.code, result.stderr], [0, '']);
  assert.match(result.stdout, /^directories\nbooted\t.*\nstaged\t.*\nrollback\t.*\n$/);
});
