import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openRoot } from '../../src/root/open-root.ts';
import { environmentOf } from '../../src/systemd/environment/environment.ts';
import { expandVariables } from '../../src/systemd/environment/variables.ts';
import { parseQuadletUnit } from '../../src/systemd/unit-file.ts';
import { temporaryDirectory } from '../support/temporary.ts';

function expand(t: TestContext, word: string, unit: string, files: Record<string, string> = {}) {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, 'etc'));
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(directory, 'etc', name), content);
  }
  symlinkSync('/etc/shadow', join(directory, 'etc', 'escape'));
  const root = openRoot(directory);
  t.after(() => root.close());
  const parsed = parseQuadletUnit(`[Service]\n${unit}\n`, '/a', () => true);
  assert.ok(parsed.ok);
  const identity = (text: string) => ({ ok: true, text: text.replaceAll('%A', '7') }) as const;
  return expandVariables(word, () =>
    environmentOf(parsed.entries, { root, etc: '/etc', expand: identity, spend: () => true }),
  );
}

function words(...args: Parameters<typeof expand>): readonly string[] | undefined {
  const expanded = expand(...args);
  return expanded.ok ? expanded.words : undefined;
}

test('${NAME} is replaced anywhere, in one word', (t) => {
  assert.deepEqual(words(t, 'q.io/${A}:${B}', 'Environment=A=x "B=y z"'), ['q.io/x:y z']);
});

test('$NAME is replaced only as a word of its own, and split', (t) => {
  assert.deepEqual(words(t, '$A', 'Environment="A=q.io/x  second"'), ['q.io/x', 'second']);
  assert.deepEqual(words(t, '$A', 'Environment=A='), []);
  assert.deepEqual(words(t, 'q.io/$A', 'Environment=A=x'), ['q.io/$A']);
  assert.equal(words(t, '$A/b', 'Environment=A=x'), undefined);
});

test('$$ is a dollar sign', (t) => {
  assert.deepEqual(words(t, 'a$$b$', ''), ['a$b$']);
  assert.deepEqual(words(t, '$$A', 'Environment=A=x'), ['$A']);
  assert.deepEqual(words(t, 'a${b', ''), ['a${b']);
});

test('systemd leaves what a shell would replace in its own way, and replaces what follows', (t) => {
  const unit = 'Environment=A=x';
  assert.deepEqual(words(t, '${A:-1}:${A}', unit), ['${A:-1}:x']);
  assert.deepEqual(words(t, '${B:-${A}}', unit), ['${B:-x}']);
  assert.equal(words(t, '${A+y}', unit), undefined);
});

test('the later assignment wins, an empty one resets, specifiers are replaced', (t) => {
  assert.deepEqual(words(t, '${A}', 'Environment=A=1\nEnvironment=A=2 B=3'), ['2']);
  assert.equal(words(t, '${A}', 'Environment=A=1\nEnvironment=\nEnvironment=B=2'), undefined);
  assert.deepEqual(words(t, '${A}', 'Environment=A=v%A'), ['v7']);
});

test('an environment file in the root overrides Environment=', (t) => {
  const file = { env: '# c\nA="from file"\nB = \'x\'\n' };
  const unit = 'Environment=A=1\nEnvironmentFile=/etc/env';
  assert.deepEqual(words(t, '${A}|${B}', unit, file), ['from file|x']);
});

test('an environment file that is missing or outside the root is a problem', (t) => {
  const unit = (path: string) => `Environment=A=1\nEnvironmentFile=${path}`;
  assert.equal(words(t, '${A}', unit('/etc/missing')), undefined);
  assert.equal(words(t, '${A}', unit('/etc/*.env')), undefined);
  assert.equal(words(t, '${A}', unit('/etc/escape')), undefined);
  assert.equal(words(t, '${A}', unit('/etc')), undefined);
  assert.equal(words(t, '${A}', unit('-/run/made-at-boot')), undefined);
  assert.deepEqual(words(t, '${A}', unit('-/etc/missing')), ['1']);
  assert.deepEqual(words(t, '${A}', unit('-/etc/*.env')), ['1']);
});

test('a pattern stands for the matching files in order', (t) => {
  assert.deepEqual(words(t, '${A}', 'EnvironmentFile=/etc/[a].env', { 'a.env': 'A=2' }), ['2']);
  const files = { 'b.env': 'A=b', 'a.env': 'A=a\nB=a', '.c.env': 'A=c', 'd.envx': 'A=d' };
  const unit = 'EnvironmentFile=/etc/*.en?';
  assert.deepEqual(words(t, '${A}${B}', unit, files), ['ba']);
});

test('an unset variable is reported by name, unless the name may be part of a secret', (t) => {
  const unset = expand(t, 'a${REGISTRY}', '');
  assert.ok(!unset.ok);
  assert.match(unset.message, / REGISTRY /);
  const secret = expand(t, '$ecret:hunter2', '');
  assert.ok(!secret.ok);
  assert.doesNotMatch(secret.message, /hunter2|ecret:/);
});
