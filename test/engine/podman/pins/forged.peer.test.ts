import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Pin, PinRequest } from '../../../../src/engine/pin.ts';
import { pinLabels, SEAL_LABEL } from '../../../../src/engine/pins/labels.ts';
import { newPinName } from '../../../../src/engine/pins/pin-name.ts';
import { newPodName } from '../../../../src/engine/podman/pins/pod-of-pins.ts';
import { openPodman } from '../../../../src/engine/podman/podman.ts';
import { type Forgery, forge } from '../../../support/forgery.ts';
import { buildImage } from '../../../support/image-builder.ts';
import { skipPodman, type TestPodman } from '../../../support/podman.ts';
import { wrappedPodman } from '../../../support/podman-wrapper.ts';
import { fromRegistry } from '../../../support/source.ts';
import { temporaryDirectory } from '../../../support/temporary.ts';
import { type Harbour, openHarbour, pinRequest, resolvedOf } from '../fixture.ts';

const skip = skipPodman;

for (const trixie of [false, true]) {
  const version = trixie ? '5.4' : '4.3';
  const open = (t: TestContext): Promise<Harbour> =>
    openHarbour(
      t,
      trixie
        ? { podman: { environment: { PATH: wrappedPodman(temporaryDirectory(t), { trixie }) } } }
        : {},
    );

  test(`${version}: a pin is of berth’s make in all that podman tells of it`, {
    skip,
  }, async (t) => {
    const { engine, fetched } = await open(t);
    const image = await fetched('app:1', 1);
    await engine.pin('os-1', [pinRequest(image)]);
    const pins = await engine.pins();
    assert.deepEqual(
      pins.map(({ fetched, unproven }) => [fetched, unproven]),
      [[true, undefined]],
    );
    const unproven = pins.map((pin) => ({ ...pin, sealed: false }));
    assert.deepEqual(await engine.genuine?.(unproven), unproven);
  });

  test(`${version}: what only says that it is a pin is none, and is left alone`, {
    skip,
  }, async (t) => {
    const { podman, engine, fetched } = await open(t);
    const image = await fetched('app:1', 1);
    const other = await fetched('other:1', 2);
    const pin = pinRequest(image);
    const root = 'os-1';
    const forgeries: readonly (readonly [string, Omit<Forgery, 'pin' | 'root'>])[] = [
      ['another name', { name: 'mine' }],
      ['a name like one', { name: `${newPinName(root)}0` }],
      ['the name of another root’s', { name: newPinName('os-2') }],
      ['no pod', { pod: 'none' }],
      ['a pod of another name', { pod: { name: 'my-pod' } }],
      ['the pod of another root', { pod: { name: newPodName('os-2') } }],
      ['a root that is a path', { labels: { 'berth.root': '../../victim/policy' } }],
      ['an empty root', { labels: { 'berth.root': '' } }],
      ['another image', { body: { image: other.config.replace('sha256:', '') } }],
      ['a later schema', { labels: { 'berth.schema': '2' } }],
    ];
    const names: string[] = [];
    for (const [, forgery] of forgeries) {
      names.push(await forge(podman.socket, { root, pin, ...forgery }));
    }
    const { warnings, engine: watched } = await watching(t, podman);
    assert.deepEqual(await watched.pins(), []);
    assert.equal(warnings.length, 6, 'the first five are named');
    assert.match(
      warnings[0] ?? '',
      /^container mine \([0-9a-f]{12}\) carries labels of berth but is not one of its pins: /,
    );
    await watched.pin(root, [pin]);
    const [own, ...more] = await watched.pins();
    assert.ok(own !== undefined && !names.includes(own.handle));
    assert.deepEqual(more, []);
    await watched.pin(root, [{ ...pin, platform: 'linux/arm64' }]);
    await watched.unpin(await watched.pins());
    assert.deepEqual(await watched.pins(), []);
    assert.equal(warnings.length, 6, 'each is said once');
    for (const [index, [why]] of forgeries.entries()) {
      const { code } = await podman.tryPodman('container', 'exists', names[index] ?? '');
      assert.equal(code, 0, why);
    }
    assert.deepEqual(await engine.pins(), []);
  });

  test(`${version}: what looks like a pin in a list, and is made otherwise, is not genuine`, {
    skip,
  }, async (t) => {
    const { podman, engine, fetched } = await open(t);
    const pin = pinRequest(await fetched('app:1', 1));
    const forgeries: readonly Omit<Forgery, 'pin' | 'root'>[] = [
      { body: { entrypoint: ['/sleep'] } },
      { body: { command: ['1000'] } },
      { body: { netns: { nsmode: 'host' } } },
      { pod: { labels: {} } },
      { pod: { labels: { 'berth.schema': '1', 'berth.root': 'os-0' } } },
    ];
    for (const [n, forgery] of forgeries.entries()) {
      await forge(podman.socket, { root: `os-${n + 1}`, pin, ...forgery });
    }
    const pins = await engine.pins();
    assert.equal(pins.length, forgeries.length);
    assert.deepEqual(await engine.genuine?.(pins), []);
    await engine.pin('os-1', [pin]);
    await engine.pin('os-1', [{ ...pin, fetched: false }]);
    await engine.unpin(await engine.pins());
    assert.equal((await engine.pins()).length, forgeries.length, 'none of them was removed');
  });

  test(`${version}: no label makes an image one that berth fetched`, { skip }, async (t) => {
    const { podman, engine, fetched } = await open(t);
    const image = await fetched('app:1', 1);
    const mine = await fetched('mine:1', 2);
    await engine.pin('os-1', [pinRequest(image)]);
    const [pin] = await engine.pins();
    const format = `{{index .Config.Labels "${SEAL_LABEL}"}}`;
    const seal = await podman.podman('inspect', '--format', format, pin?.handle ?? '');
    assert.ok(seal.length > 40);
    await forge(podman.socket, { root: 'os-2', pin: pinRequest(mine) });
    await forge(podman.socket, {
      root: 'os-3',
      pin: pinRequest(image),
      labels: { [SEAL_LABEL]: seal },
    });
    assert.deepEqual(told(await engine.pins()), [
      ['os-1', true, undefined],
      ['os-2', false, true],
      ['os-3', false, true],
    ]);
    const { engine: other } = await watching(t, podman, `${podman.pinKey}.other`);
    assert.deepEqual(told(await other.pins())[0], ['os-1', false, true], 'the key is lost');
    await other.pin('os-1', [pinRequest(image)]);
    assert.deepEqual(told(await other.pins())[0], ['os-1', true, undefined], 'sealed anew');
    const before = await other.pins();
    await other.pin('os-1', [pinRequest(image)]);
    assert.deepEqual(await other.pins(), before, 'and then it stays');
    await other.pin('os-2', [{ ...pinRequest(mine), fetched: false }]);
    const second = (await other.pins()).find((each) => each.root === 'os-2');
    assert.deepEqual([second?.fetched, second?.sealed], [false, true], 'what claims nothing, too');
  });

  test(`${version}: the labels of an image disturb neither its pin nor its containers`, {
    skip,
  }, async (t) => {
    const { registry, podman, engine } = await open(t);
    const forged = {
      ...pinLabels('os-9', { ...pinRequest(fakeImage()), fetched: true }),
      [SEAL_LABEL]: 'A'.repeat(43),
      'berth.more': 'of a later version',
    };
    const built = buildImage({
      layers: [{ files: { a: 'b' } }],
      labels: forged,
      entrypoint: ['/sleep'],
      command: ['1000'],
    });
    registry.push('hostile:1', built);
    const [hostile] = resolvedOf(`${registry.host}/hostile:1`, built);
    assert.ok(hostile !== undefined);
    await engine.fetch(hostile, fromRegistry());
    await podman.podman('create', '--name', 'mine', hostile.config);
    await podman.podman('create', '--name', newPinName('os-9'), hostile.config);
    for (const isFetched of [true, false]) {
      const request: PinRequest = { ...pinRequest(hostile), fetched: isFetched };
      await engine.pin('os-1', [request]);
      const [pin, ...others] = await engine.pins();
      assert.deepEqual(others, []);
      const { handle, ...rest } = pin ?? assert.fail();
      assert.deepEqual(rest, { ...request, engine: 'podman', root: 'os-1', sealed: true });
      await engine.pin('os-1', [request]);
      assert.equal((await engine.pins())[0]?.handle, handle);
      const pins = (await engine.pins()).map((each) => ({ ...each, sealed: false }));
      assert.deepEqual(await engine.genuine?.(pins), pins);
    }
    await engine.unpin(await engine.pins());
    await podman.podman('container', 'exists', 'mine');
    assert.equal((await podman.podman('ps', '--all', '--quiet')).split('\n').length, 2);
    assert.equal(await podman.podman('pod', 'ls', '--quiet'), '');
  });

  test(`${version}: a pod that only says that it is of berth gets no pins`, { skip }, async (t) => {
    const { podman, engine, fetched } = await open(t);
    const pin = pinRequest(await fetched('app:1', 1));
    const label = ['--label', 'berth.schema=1', '--label', 'berth.root=os-1'];
    await podman.podman('pod', 'create', '--infra=false', '--name', 'mine', ...label);
    await engine.pin('os-1', [pin]);
    await engine.unpin(await engine.pins());
    assert.equal(await podman.podman('pod', 'ls', '--format', '{{.Name}}'), 'mine');
  });
}

async function watching(t: TestContext, podman: TestPodman, pinKey = podman.pinKey) {
  const warnings: string[] = [];
  const engine = await openPodman({
    user: false,
    pinKey,
    warn: (message) => warnings.push(message),
    environment: podman.environment,
  });
  t.after(() => engine.close());
  return { engine, warnings };
}

function told(pins: readonly Pin[]) {
  return pins
    .map(({ root, fetched, unproven }) => [root, fetched, unproven] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function fakeImage() {
  const digest = `sha256:${'1'.repeat(64)}`;
  return {
    name: 'quay.io/a/b:1',
    digest,
    manifest: digest,
    config: digest,
    platform: 'linux/amd64',
    blobs: [],
  };
}
