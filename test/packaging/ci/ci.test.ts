import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { blocksOf } from '../../docs/blocks.ts';
import { container, type Machine, startMachine } from '../../support/berth.ts';
import { buildImage } from '../../support/image-builder.ts';
import * as github from './github.ts';
import * as gitlab from './gitlab.ts';
import { checkOut, runScripts, type Script } from './job.ts';

const repository = resolve(import.meta.dirname, '../../..');

const services = {
  github: {
    lint: github.scriptsOf(github.stepsOf('lint')),
    moved: github.scriptsOf(github.stepsOf('moved')).slice(1),
  },
  gitlab: {
    lint: [...gitlab.scriptsOf('rootfs'), ...gitlab.scriptsOf('berth-lint')],
    moved: gitlab.scriptsOf('moved'),
  },
};

test('other services: the commands of docs/lint.md fail for a faulty tree, and report it', async (t) => {
  const machine = await startMachine(t);
  push(machine, 'one');
  const checkout = checkOut(machine, tree('web:1'));
  const [text = ''] = blocksOf('docs/lint.md', 'sh');
  const script = { text: `./build-rootfs\n${text}`, variables: {}, shell: ['sh', '-ec'] };
  // The tree has no lock file, which is a warning.
  assert.deepEqual(
    (await runScripts(machine, checkout, [script])).map(({ code }) => code),
    [1],
  );
  assert.deepEqual(codesOf(checkout), ['floating-tag']);
});

for (const [name, { lint, moved }] of Object.entries(services)) {
  test(`${name}: a good tree passes, and each night the job says what has moved`, async (t) => {
    const machine = await startMachine(t);
    push(machine, 'one');
    const checkout = checkOut(machine, tree('web:1'));
    await assertPasses(machine, checkout, lint);
    assert.deepEqual(codesOf(checkout), []);
    await assertPasses(machine, checkout, moved);
    push(machine, 'two');
    assert.equal((await runScripts(machine, checkout, moved)).at(-1)?.code, 3);
  });

  test(`${name}: a faulty tree fails, with the findings in a report`, async (t) => {
    const machine = await startMachine(t);
    push(machine, 'one');
    const checkout = checkOut(machine, tree('web:1', 'Pull=always\n'));
    const outcomes = await runScripts(machine, checkout, lint);
    assert.equal(outcomes.at(-1)?.code, 1);
    assert.match(
      outcomes.at(-1)?.stdout ?? '',
      /rootfs\/usr\/share\/containers\/systemd\/web\.container/,
    );
    assert.deepEqual(codesOf(checkout), ['pull-always']);
  });
}

test('the actions of others are named by a commit', () => {
  const steps = ['lint', 'moved'].flatMap((job) => github.stepsOf(job));
  const others = steps.map(({ uses = './' }) => uses).filter((uses) => !uses.startsWith('./'));
  assert.equal(others.length, 5);
  for (const uses of others) assert.match(uses, /@[0-9a-f]{40}$/);
});

test('the action that sets berth up installs its own commit, and puts it on the PATH', async (t) => {
  const machine = await startMachine(t);
  const checkout = checkOut(machine, {});
  // In the place of npm, which would fetch libraries.
  const npm = join(machine.directory, 'bin/npm');
  writeFileSync(npm, '#!/bin/sh\necho "$@"\n', { mode: 0o755 });
  const action = 'packaging/github/setup';
  const [script] = github.scriptsOfAction(action);
  assert.ok(script);
  const variables = {
    GITHUB_ACTION_PATH: join(repository, action),
    GITHUB_PATH: join(machine.directory, 'path'),
  };
  const [outcome] = await runScripts(machine, checkout, [{ ...script, variables }]);
  assert.match(outcome?.stdout ?? '', new RegExp(`^ci .*--prefix ${repository} `));
  const path = readFileSync(variables.GITHUB_PATH, 'utf8').trim();
  assert.equal(path, join(repository, 'bin'));
  assert.ok(existsSync(join(path, 'berth')));
});

function push({ registry }: Machine, content: string): void {
  registry.push('web:1', buildImage({ layers: [{ files: { 'etc/web': content } }] }));
}

function tree(image: string, more = ''): Readonly<Record<string, string>> {
  return {
    ...container(
      'web',
      `registry.example.com/${image}`,
      `${more}[Install]\nWantedBy=multi-user.target\n`,
    ),
    'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n',
  };
}

async function assertPasses(machine: Machine, checkout: string, scripts: readonly Script[]) {
  const outcomes = await runScripts(machine, checkout, scripts);
  assert.equal(outcomes.at(-1)?.code, 0, outcomes.at(-1)?.stderr);
  assert.equal(outcomes.length, scripts.length);
}

/** The rules of the findings in the report. */
function codesOf(checkout: string): readonly string[] {
  const report = JSON.parse(readFileSync(join(checkout, 'berth.sarif'), 'utf8')) as {
    readonly runs: readonly { readonly results: readonly { readonly ruleId: string }[] }[];
  };
  return report.runs.flatMap(({ results }) => results.map(({ ruleId }) => ruleId));
}
