import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { container, writeRoot } from '../../support/berth.ts';
import { firstBoot } from '../../support/first-boot.ts';
import { writeLayout } from '../../support/oci-layout.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { bind, host, image, STORE } from './shipped-root.ts';

/** Ways to damage a shipped layout, and the error of each. */
const damages: Readonly<Record<string, readonly [string, (store: string, layer: string) => void]>> =
  {
    'a blob that is cut short': ['short-body', (_, layer) => truncateSync(layer, 100)],
    'a blob with more bytes': ['short-body', (_, layer) => appendFileSync(layer, 'x')],
    'a blob with other bytes': [
      'digest-mismatch',
      (_, layer) => writeFileSync(layer, Buffer.alloc(readFileSync(layer).length)),
    ],
    'a blob that is missing': ['bad-reply', (_, layer) => rmSync(layer)],
    'a blob that is a FIFO': [
      'bad-reply',
      (_, layer) => {
        rmSync(layer);
        execFileSync('mkfifo', [layer]);
      },
    ],
    'an index that is a FIFO': [
      'bad-reply',
      (store) => {
        rmSync(join(store, 'index.json'));
        execFileSync('mkfifo', [join(store, 'index.json')]);
      },
    ],
    'an index that is no JSON': [
      'bad-reply',
      (store) => writeFileSync(join(store, 'index.json'), '{'),
    ],
    'an index without an end': [
      'bad-reply',
      (store) => truncateSync(join(store, 'index.json'), 65 * 1024 * 1024),
    ],
    'digests that lead out of the layout': [
      'bad-reply',
      (store) => {
        const path = join(store, 'index.json');
        const text = readFileSync(path, 'utf8').replace(
          /sha256:[0-9a-f]{64}/,
          '../../../etc/passwd',
        );
        writeFileSync(path, text);
      },
    ],
    'blobs behind a link that leads out of the root': [
      'bad-reply',
      (store) => {
        renameSync(join(store, 'blobs'), `${store}/../../../../../blobs`);
        symlinkSync(join(store, '../../../../../blobs'), join(store, 'blobs'));
      },
    ],
  };

for (const [name, [code, damage]] of Object.entries(damages)) {
  test(`${name}: nothing is recorded as staged`, async (t) => {
    const directory = temporaryDirectory(t);
    const built = image(7);
    const root = writeRoot(join(directory, 'os'), {
      ...bind,
      ...container('web', `${host}/web:1`),
    });
    writeLayout(join(root, STORE), `${host}/web:1`, built);
    const layer = [...built.blobs].find(([, content]) => content[0] === 0x1f)?.[0] ?? '';
    damage(join(root, STORE), join(root, STORE, 'blobs/sha256', layer.replace('sha256:', '')));
    const { load, record, engine } = firstBoot(join(directory, 'host'));
    const staged = await load(root);
    const failures = [...(staged?.plan.failures ?? []), ...(staged?.failures ?? [])];
    assert.deepEqual(
      failures.map(({ error }) => error.code),
      [code],
      failures[0]?.error.message,
    );
    assert.match(failures[0]?.error.message ?? '', /^\/usr\/lib\/berth\/store\/.* of the root: /);
    assert.equal((await record())?.staged, undefined);
    assert.deepEqual([await engine.images(), await engine.pins()], [[], []]);
  });
}
