import assert from 'node:assert/strict';
import { test } from 'node:test';
import { upToFault } from '../../src/systemd/refusal/faulty-setting.ts';
import { serviceRefusal } from '../../src/systemd/refusal/service-refusal.ts';
import { parseSystemdUnit } from '../../src/systemd/systemd-unit-file.ts';
import { isReadKey } from '../../src/systemd/wanted-keys.ts';
import { serviceCases } from './refused-services.ts';

const entriesOf = (text: string, path: string) =>
  parseSystemdUnit(`[Service]\n${text}\n`, path, isReadKey).entries;

for (const [own, dropIn, isRefused] of serviceCases) {
  const text = JSON.stringify(dropIn === '' ? own : `${own} + ${dropIn}`);
  test(`systemd ${isRefused ? 'refuses' : 'accepts'} the service ${text}`, () => {
    const refusal = serviceRefusal(
      entriesOf(own, '/own'),
      upToFault(entriesOf(dropIn, '/drop-in')),
    );
    assert.equal(refusal !== undefined, isRefused, refusal?.message);
  });
}

const places: readonly (readonly [own: string, dropIn: string, place: string | undefined])[] = [
  ['ExecStart=/a', 'ExecStart=/b', '/drop-in:2'],
  ['Type=oneshot\nExecStart=/a', 'User=x\nRestart=always', '/drop-in:3'],
  ['ExecStart=/a\nType=dbus', '', '/own:3'],
  ['ExecStart=a/b', '', '/own:2'],
  ['ExecStop=/a', '', undefined],
];

for (const [own, dropIn, place] of places) {
  test(`the setting to blame: ${JSON.stringify([own, dropIn])}`, () => {
    const refusal = serviceRefusal(
      entriesOf(own, '/own'),
      upToFault(entriesOf(dropIn, '/drop-in')),
    );
    assert.ok(refusal);
    const { at } = refusal;
    assert.equal(at === undefined ? undefined : `${at.path}:${at.line}`, place);
  });
}
