import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { docker, nerdctl, podman } from '../../../src/discovery/services/option-tables.ts';
import { readCommand } from '../../../src/discovery/services/programs.ts';
import { shellCommands } from '../../../src/discovery/services/shell/evaluate.ts';
import { commandLines } from '../../../src/systemd/command-line.ts';
import { limitCpu } from '../../support/limit-cpu.ts';
import { holds } from '../../support/property.ts';
import { found, of } from './found.ts';

const run = (words: string) => `ExecStart=/usr/bin/podman ${words}`;

test('the image is the first word after the options', async (t) => {
  assert.deepEqual(await of(t, run('run -dit -p80:80 -e A=b --name=x q.io/a:1 -v q.io/no')), [
    'q.io/a:1',
  ]);
  assert.deepEqual(await of(t, run('--log-level debug create --env A --rm -- q.io/a:1')), [
    'q.io/a:1',
  ]);
  assert.deepEqual(await of(t, run('container run -eFOO "" ')), ['- image-name']);
  assert.deepEqual(await of(t, 'ExecStart=-/usr/bin/docker run --net host --init app'), [
    'docker.io/library/app:latest',
  ]);
  assert.deepEqual(await of(t, 'ExecStart=nerdctl -n k8s.io run q.io/a:1'), ['q.io/a:1']);
});

test('commands that name no image', async (t) => {
  for (const words of [
    'start app',
    'rm -f run',
    'volume create data',
    'network create build',
    'run --rootfs /x',
    'exec a run b',
  ]) {
    assert.deepEqual(await of(t, run(words)), [], words);
  }
  assert.deepEqual(await of(t, 'ExecStart=/usr/bin/echo podman run x'), []);
  assert.deepEqual(await of(t, 'ExecStart=/usr/local/bin/podman-app.sh'), []);
});

test('a command line that can not be parsed is a problem and not guessed', async (t) => {
  assert.deepEqual(await of(t, run('run --new-thing q.io/a q.io/b')), ['command-line:1']);
  assert.deepEqual(await of(t, run('run --rm')), ['command-line:1']);
  assert.deepEqual(await of(t, run('run "q.io/a')), ['command-line:1']);
  assert.deepEqual(await of(t, run('run $OPTIONS q.io/a')), ['variable:1']);
  assert.deepEqual(await of(t, run('run -h %H q.io/a:${TAG}')), ['- variable']);
});

test('several keys, resets and several commands in one value are read', async (t) => {
  const lines = [
    'ExecStart=podman run q.io/no:1',
    'ExecStart=',
    'ExecStartPre=-/bin/true ; -podman pull q.io/a:1 q.io/b:1',
    'ExecStart=podman run q.io/a:1',
  ].join('\n');
  assert.deepEqual(await of(t, lines), ['q.io/a:1', 'q.io/b:1', 'q.io/a:1']);
});

test('pull options of commands', async (t) => {
  const options =
    '--pull=newer --platform linux/arm64/v8 --authfile auth.json --tls-verify=false --retry 3';
  const { references } = await found(t, {
    'a.service': `WorkingDirectory=/etc/x\n${run(`run ${options} q.io/a:1`)}`,
  });
  assert.deepEqual(references[0]?.pull, {
    policy: 'newer',
    os: 'linux',
    arch: 'arm64',
    variant: 'v8',
    authFile: '/etc/x/auth.json',
    tlsVerify: false,
    retry: 3,
  });
  assert.deepEqual(await of(t, run('pull q.io/a:1')), ['q.io/a:1 pull-always']);
  assert.deepEqual(await of(t, run('run --pull=always q.io/a:1')), ['q.io/a:1 pull-always']);
  assert.deepEqual(await of(t, run('run --pull=bad q.io/a:1')), ['q.io/a:1 invalid-option']);
  assert.deepEqual(await of(t, run('--root /x run q.io/a:1')), ['q.io/a:1 storage-differs']);
});

test('a mounted image is found', async (t) => {
  const mount = '--mount type=image,source=q.io/m:1,destination=/m';
  assert.deepEqual(await of(t, run(`run ${mount} q.io/a:1`)), ['q.io/m:1', 'q.io/a:1']);
});

test('variables, environment files and specifiers are replaced', async (t) => {
  const lines = [
    'Environment=TAG=1 "OPTS=--rm -d"',
    'EnvironmentFile=/etc/app.env',
    run('run $OPTS -e X=${X} q.io/${NAME}:${TAG}-%w'),
  ].join('\n');
  const tree = { '/etc/app.env': 'NAME="a"\'b\'\n' };
  assert.deepEqual(await of(t, lines, tree), ['q.io/ab:1-7']);
  assert.deepEqual(await of(t, `Environment=A=x\nExecStart=:podman run q.io/a:$\{A}`), [
    '- image-name',
  ]);
});

test('commands are found behind env, timeout and similar programs', async (t) => {
  for (const wrapper of [
    '/usr/bin/env A=b',
    'env -u X -i',
    'nice -n 5 timeout -k 5 30',
    'flock /x',
  ]) {
    assert.deepEqual(
      await of(t, `ExecStart=${wrapper} podman run q.io/a:1`),
      ['q.io/a:1'],
      wrapper,
    );
  }
});

const sh = (script: string) => `ExecStart=/bin/sh -c '${script}'`;

test('a shell with a changed environment does not know the variables of the unit', async (t) => {
  const shell = 'sh -c "podman run q.io/a:$A"';
  assert.deepEqual(await of(t, `Environment=A=1\nExecStart=env ${shell}`), ['q.io/a:1']);
  assert.deepEqual(await of(t, `Environment=A=1\nExecStart=env -i ${shell}`), ['- variable']);
});

test('variables that would grow without bound are refused', async (t) => {
  limitCpu(t, 30);
  const long = `Environment=A=${'x'.repeat(100_000)}`;
  const words = run(`run -e ${'${A}'.repeat(50_000)} q.io/a:1`);
  assert.deepEqual(await of(t, `${long}\n${words}`), ['q.io/a:1']);
  assert.deepEqual(await of(t, `${long}\n${run(`run ${'-e ${A} '.repeat(50_000)}`)}`), [
    'command-line:2',
  ]);
  const doubled = 'A="$A$A"; '.repeat(100);
  assert.deepEqual(await of(t, sh(`A=xx; ${doubled} podman run $A`)), ['shell:1']);
});

test('commands are found in a plain shell script', async (t) => {
  const cases: Readonly<Record<string, readonly string[]>> = {
    'exec podman run --rm q.io/a:1': ['q.io/a:1'],
    'podman pull q.io/a:1 >/dev/null 2>&1 || true; podman run q.io/a:1': ['q.io/a:1', 'q.io/a:1'],
    'podman pull q.io/a:1 && podman run q.io/a:1': ['q.io/a:1 pull-always', 'q.io/a:1'],
    'IMG=q.io/a:1; podman run "$IMG"': ['q.io/a:1'],
    'X=1 podman run $ENVIMG': ['q.io/e:1'],
    'test -e /x && T=2; podman run q.io/a:$T': ['- variable'],
    'podman run $$(cat /x)': ['shell:2'],
    'for i in a b; do podman run q.io/$i; done': ['q.io/a:latest', 'q.io/b:latest'],
    'podman image ls | grep x': [],
    'podman run -v /a:/b q.io/a:1 sh -c "echo *"': ['q.io/a:1'],
    'podman run /x/* q.io/a:1': ['- shell'],
    'for i in a; do echo podman; done': [],
  };
  for (const [script, expected] of Object.entries(cases)) {
    assert.deepEqual(await of(t, `Environment=ENVIMG=q.io/e:1\n${sh(script)}`), expected, script);
  }
  assert.deepEqual(await of(t, 'ExecStart=env bash -ec "podman pull q.io/a:1; true"'), [
    'q.io/a:1 pull-always',
  ]);
});

test('the YAML that podman plays is read, also if an instance names it', async (t) => {
  const template = 'ExecStart=/usr/bin/podman kube play --replace --service-container=true %I';
  const { references, problems } = await found(
    t,
    { 'podman-kube@.service': template },
    {
      tree: { '/etc/my-app.yaml': 'kind: Pod\nspec: {containers: [{image: q.io/a:1}]}\n' },
      instances: [
        'podman-kube@-etc-my\\x2dapp.yaml.service',
        'podman-kube@-etc-missing.yaml.service',
      ],
    },
  );
  assert.deepEqual(
    references.map(({ unit, path, line, image, key }) => [unit, path, line, image, key]),
    [
      [
        'podman-kube@-etc-my\\x2dapp.yaml.service',
        '/etc/my-app.yaml',
        2,
        'q.io/a:1',
        'spec.containers[0].image',
      ],
    ],
  );
  assert.deepEqual(
    problems.map(({ code, subject }) => [code, subject?.unit]),
    [['command-line', 'podman-kube@-etc-missing.yaml.service']],
  );
  const alone = await found(t, { 'podman-kube@.service': template });
  assert.deepEqual(alone, { references: [], problems: [] });
});

test('templates are read as their instances, and Bind= is read', async (t) => {
  const text = `${run('run q.io/a:%i')}\n[X-Berth]\nBind=yes`;
  assert.deepEqual((await found(t, { 'a@.service': text })).references, []);
  const { references } = await found(t, { 'a@.service': text }, { instances: ['a@1.service'] });
  assert.deepEqual(
    references.map(({ unit, image, bind }) => [unit, image, bind]),
    [['a@1.service', 'q.io/a:1', true]],
  );
  assert.deepEqual(await of(t, `${run('run q.io/a:1')}\n[X-Berth]\nBind=maybe`), [
    'q.io/a:1',
    'bind-setting:3',
  ]);
});

const programs = { podman, docker, nerdctl };

test('the image is found after any options of the tables', () => {
  const option = (name: keyof typeof programs) => {
    const { names, flags } = programs[name].run;
    const skipped = ['help', 'version'];
    return fc
      .tuple(
        fc.constantFrom(...[...names].filter(([, long]) => !skipped.includes(long))),
        fc.stringMatching(/^[-a-z=/:]{1,8}$/),
        fc.boolean(),
      )
      .map(([[spelling, long], value, joined]): string[] => {
        const dashed = spelling.length === 1 ? `-${spelling}` : `--${spelling}`;
        if (flags.has(long)) return joined ? [`${dashed}=true`] : [dashed];
        if (!joined) return [dashed, value];
        return [`${dashed}=${value}`];
      });
  };
  const command = fc
    .constantFrom('podman' as const, 'docker' as const, 'nerdctl' as const)
    .chain((program) =>
      fc.record({
        program: fc.constant(program),
        options: fc.array(option(program)),
        separated: fc.boolean(),
        args: fc.array(fc.constantFrom('-x', '--y', 'z', '--')),
      }),
    );
  return holds(
    150,
    fc.property(command, ({ program, options, separated, args }) => {
      const words = [
        program,
        'run',
        ...options.flat(),
        ...(separated ? ['--'] : []),
        'IMG',
        ...args,
      ];
      const read = readCommand(words.map((text) => ({ text, raw: text })));
      assert.equal(read.kind, 'container');
      assert.deepEqual(read.kind === 'container' && read.command.rest.map(({ text }) => text), [
        'IMG',
        ...args,
      ]);
    }),
  );
});

const surroundings = {
  environment: new Map([['A', 'b  c']]),
  isWhole: true,
  stopsAtFailure: false,
  args: [],
  directory: '/',
  readFile: () => undefined,
  realPath: (path: string) => path,
  matching: () => [],
};

test('hostile command lines and scripts are read without an exception', async (t) => {
  limitCpu(t, 60);
  const text = fc.array(
    fc.constantFrom(
      ...' ;&|<>$"\'\\{}()*#=%-\n'.split(''),
      'podman ',
      'run ',
      'sh -c ',
      'A=b',
      '${A}',
      '$A',
      '%i',
      ' q.io/a',
      '--rm ',
      '2>&1',
      '&&',
    ),
  );
  await holds(
    300,
    fc.property(text, (parts) => {
      commandLines(parts.join(''));
      shellCommands(parts.join(''), surroundings);
    }),
  );
  for (const part of ['"', '-d ', '$A ', '\\\n', '>x ', 'A=b ', ' # ', ';', '<<', '${A}', '*']) {
    const script = `podman run ${part.repeat(20_000)}`;
    shellCommands(script, surroundings);
    await of(t, `ExecStart=sh -c "${script.replace(/["\\]/g, '\\$&')}"`);
    await of(t, `ExecStart=${script}`);
    await of(t, `ExecStart=${'nice env A=b '.repeat(5000)} ${script}`);
  }
});

test('the files of variables that all units of a root read have a bound', async (t) => {
  const lines = (file: string) => `EnvironmentFile=${file}\nExecStart=podman run q.io/app:\${A}`;
  const units = { 'a.service': lines('/etc/env'), 'b.service': lines('/etc/other') };
  const text = `A=1\n#${'x'.repeat(50_000)}\n`;
  const tree = { '/etc/env': text, '/etc/other': text };
  // Only one of the two readings is left.
  const spent = 64 * 1024 * 1024 - 80_000;
  const { references } = await found(t, units, { tree, spent });
  assert.deepEqual(
    references.map(({ image, problems }) => [image, ...problems.map(({ message }) => message)]),
    [
      ['q.io/app:1'],
      [undefined, 'expected fewer files of variables in all units, found more than berth reads'],
    ],
  );
});
