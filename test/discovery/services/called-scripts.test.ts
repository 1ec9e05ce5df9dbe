import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutConcealed } from '../../../src/common/concealed.ts';
import { found, of } from './found.ts';

const run = '#!/bin/sh\npodman run q.io/a:1\n';

/** Services with scripts of which the first one does not itself name an image and a program in one line. */
const trees: Readonly<Record<string, readonly [line: string, Readonly<Record<string, string>>]>> = {
  'a program of the PATH': [
    '/bin/s',
    { '/bin/s': '#!/bin/sh\nwait && up-it\n', '/usr/bin/up-it': run },
  ],
  'an included file without a first line of a shell': [
    '/bin/s',
    {
      '/bin/s': '#!/bin/sh\n. /opt/lib.sh\nup\n',
      '/opt/lib.sh': 'up() { podman run q.io/a:1; }\n',
    },
  ],
  'a script behind many words': [
    `/usr/bin/env ${Array.from({ length: 20 }, (_, at) => `V${at}=1`).join(' ')} /bin/s`,
    { '/bin/s': run },
  ],
  'arguments that the script sets': [
    '/bin/s',
    { '/bin/s': '#!/bin/sh\nset -- run q.io/a:1\npodman "$@"\n' },
  ],
  'another name of podman': ['/opt/engine run q.io/a:1', { '/opt/engine': '-> /usr/bin/podman' }],
  'six scripts in a chain': [
    '/bin/s1',
    {
      ...Object.fromEntries(
        [1, 2, 3, 4, 5].map((at) => [`/bin/s${at}`, `#!/bin/sh\n/bin/s${at + 1}\n`]),
      ),
      '/bin/s6': run,
    },
  ],
};

for (const [name, [line, tree]] of Object.entries(trees)) {
  test(`images behind ${name} are found`, async (t) => {
    assert.deepEqual(await of(t, `ExecStart=${line}`, tree), ['q.io/a:1']);
  });
}

test('scripts that call each other are looked at from each of them', async (t) => {
  const tree = {
    '/bin/a': '#!/bin/sh\n/bin/b\n/bin/c\n',
    '/bin/b': '#!/bin/sh\n[ "$1" = again ] && /bin/a\n',
    '/bin/c': run,
  };
  assert.deepEqual(await of(t, 'ExecStartPre=/bin/a\nExecStart=/bin/b again', tree), [
    'q.io/a:1',
    'q.io/a:1',
  ]);
});

test('a shell runs a script that it reads from a file or a pipe, and one that is not known is a problem', async (t) => {
  const tree = {
    '/bin/a': '#!/bin/sh\nsh </opt/script\n',
    '/opt/script': 'podman run q.io/a:1\n',
    '/bin/b': '#!/bin/sh\necho "podman run q.io/b:1" | sh\n',
    '/bin/c': '#!/bin/sh\npodman ps\ncurl https://x.example/podman | sh\n',
  };
  assert.deepEqual(await of(t, 'ExecStart=/bin/a', tree), ['q.io/a:1']);
  assert.deepEqual(await of(t, 'ExecStart=/bin/b', tree), ['q.io/b:1']);
  assert.deepEqual(await of(t, 'ExecStart=/bin/c', tree), ['shell:1']);
});

test('private values that a script includes or prints are in no message', async (t) => {
  const script =
    '#!/bin/sh\n. /etc/secret.env\npodman run q.io/a:$HIDDEN\npodman run q.io/b:$(cat /etc/secret)\n';
  const tree = {
    '/etc/secret.env': 'HIDDEN="assigned-value"\n',
    '/etc/secret': 'printed-value\n',
    '/bin/s': script,
  };
  const { references } = await found(
    t,
    { 'app.service': 'ExecStart=/bin/s' },
    { tree, secret: ['/etc/secret.env', '/etc/secret'] },
  );
  const names = references.map(({ image }) => image ?? '-');
  assert.deepEqual(names, ['q.io/a:assigned-value', 'q.io/b:printed-value']);
  assert.deepEqual(names.map(withoutConcealed), ['q.io/a:***', 'q.io/b:***']);
});

test('a script that not everybody may read is quoted by no problem', async (t) => {
  const script = '#!/bin/sh\npodman run q.io/Hidden-Name:1\npodman run "q.io/a:$HIDDEN_VARIABLE"\n';
  for (const secret of [[], ['/bin/s']]) {
    const { references, problems } = await found(
      t,
      { 'app.service': 'ExecStart=/bin/s' },
      { tree: { '/bin/s': script }, secret },
    );
    const all = [...references.flatMap((one) => one.problems), ...problems];
    assert.deepEqual(
      all.map(({ code }) => code),
      ['image-name', 'variable'],
    );
    const isQuoted = /hidden/i.test(JSON.stringify(all));
    assert.equal(isQuoted, secret.length === 0);
  }
});
