import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { isPinName, newPinName } from '../../../src/engine/pins/pin-name.ts';
import { newPodName } from '../../../src/engine/podman/pins/pod-of-pins.ts';
import { holds } from '../../support/property.ts';

test('names are what podman takes, tell their root, and never come twice', async () => {
  await holds(
    300,
    fc.property(fc.string({ unit: 'binary' }), fc.string(), (root, other) => {
      fc.pre(root !== other);
      const name = newPinName(root);
      // podman's own rule for names (libpod/define/errors.go, NameRegex).
      for (const each of [name, newPodName(root)])
        assert.match(each, /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/);
      assert.ok(name.length < 80);
      assert.ok(isPinName(name) && isPinName(name, root) && !isPinName(name, other));
      assert.ok(!isPinName(newPodName(root)));
      assert.notEqual(newPinName(root), name);
    }),
  );
});

test('the readable part stays readable', () => {
  assert.match(
    newPinName('Fedora_IoT.41/x86'),
    /^berth-pin-fedora-iot-41-x86-[0-9a-f]{12}-[0-9a-f]{12}$/,
  );
  assert.match(newPinName('ü'), /^berth-pin-[0-9a-f]{12}-[0-9a-f]{12}$/);
  for (const name of ['berth-pin', 'my-berth-pin-1', 'berth-pin-x', 'nginx'])
    assert.ok(!isPinName(name));
});
