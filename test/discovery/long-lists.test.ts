import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { survey } from '../../src/binding/survey.ts';
import { renderTable } from '../../src/cli/render/table.ts';
import { openRoot } from '../../src/root/open-root.ts';
import { container, writeRoot } from '../support/berth.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const quadlet = 'usr/share/containers/systemd';
const service = 'usr/lib/systemd/system/many.service';

/** Trees in which something is longer than the argument list of a call may be. */
const files: Readonly<Record<string, () => Record<string, string>>> = {
  'heredocs in one RUN': () => ({
    [`${quadlet}/many.build`]: '[Build]\nImageTag=localhost/many\nFile=/usr/share/Containerfile\n',
    'usr/share/Containerfile': `FROM registry.example.com/base:1\nRUN ${'<<a '.repeat(140_000)}\na\n`,
  }),
  'sources of mounts in one RUN': () => ({
    [`${quadlet}/many.build`]: '[Build]\nImageTag=localhost/many\nFile=/usr/share/Containerfile\n',
    'usr/share/Containerfile': `FROM registry.example.com/base:1\nRUN --mount=${'from=a,'.repeat(140_000)}target=/x true\n`,
  }),
  'images of one pull': () => ({
    [service]: `[Service]\nExecStart=/usr/bin/podman pull${' a'.repeat(300_000)}\n`,
  }),
  'options in PodmanArgs=': () => ({
    [`${quadlet}/many.container`]: `[Container]\nImage=registry.example.com/many:1\nPodmanArgs=${'-v a '.repeat(200_000)}\n`,
  }),
  'lines in [X-Berth]': () => ({
    [`${quadlet}/many.container`]: `[Container]\nImage=registry.example.com/many:1\n[X-Berth]\n${'a=b\n'.repeat(130_000)}`,
  }),
};

for (const [what, make] of Object.entries(files)) {
  test(`very many ${what} do not end the run and hide nothing else`, async (t) => {
    const directory = temporaryDirectory(t);
    const other = container('other', 'registry.example.com/other:1');
    const root = openRoot(writeRoot(join(directory, 'root'), { ...make(), ...other }));
    t.after(() => root.close());
    const { references } = await survey(root, { bind: 'all', compose: [] });
    assert.ok(references.some(({ image }) => image === 'registry.example.com/other:1'));
  });
}

/** Trees of small files whose variables would expand to gigabytes. */
const growing: Readonly<Record<string, () => Record<string, string>>> = {
  'COPY --from=, for two builds': () => ({
    [`${quadlet}/a.build`]: '[Build]\nImageTag=localhost/a\nFile=/usr/share/Containerfile\n',
    [`${quadlet}/b.build`]: '[Build]\nImageTag=localhost/b\nFile=/usr/share/Containerfile\n',
    'usr/share/Containerfile': `ARG A=${'a'.repeat(60_000)}\nFROM scratch\nARG A\n${'COPY --from=${A}b x y\n'.repeat(40_000)}`,
  }),
  'images of a unit': () => ({
    [`${quadlet}/many.container`]: `[Container]\nImage=registry.example.com/many:1\n${'Mount=type=image,source=q.io/${A},destination=/x\n'.repeat(4_000)}[Service]\nEnvironment=A=${'a'.repeat(120_000)}\n`,
  }),
  'command lines of a service': () => ({
    [service]: `[Service]\nEnvironment=A=${'a'.repeat(100_000)}\n${'ExecStart=/usr/bin/podman pull ${A} ${A} ${A} ${A}\n'.repeat(4_000)}`,
  }),
};

for (const [what, make] of Object.entries(growing)) {
  test(`the expansion of variables in ${what} is limited for the whole root`, async (t) => {
    const directory = temporaryDirectory(t);
    const other = container('other', 'registry.example.com/other:1');
    const root = openRoot(writeRoot(join(directory, 'root'), { ...make(), ...other }));
    t.after(() => root.close());
    const { references, problems } = await survey(root, { bind: 'all', compose: [] });
    assert.ok(references.some(({ image }) => image === 'registry.example.com/other:1'));
    assert.ok(problems.some(({ code, bound }) => code === 'too-large' && bound));
  });
}

const columns = [{ header: 'A' }, { header: 'B' }];
const look = { wide: false, stream: process.stdout };

test('one very long cell makes one very long row', () => {
  const rows = Array.from({ length: 10_000 }, () => ['a', 'b']);
  const text = renderTable(columns, [...rows, ['x'.repeat(400_000), 'b']], look);
  assert.ok(text.length < 10_000 * 600 + 500_000, String(text.length));
  assert.ok(text.endsWith(`${'x'.repeat(400_000)}  b\n`));
});

test('a table of very many rows is a table', () => {
  const rows = Array.from({ length: 200_000 }, (_, i) => [`a${i}`, 'b']);
  assert.ok(renderTable(columns, rows, look).endsWith('a199999  b\n'));
});
