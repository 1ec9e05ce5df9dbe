import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import test from 'node:test';
import { CircuitBreaker, LeftAlone } from '../../src/registry/circuit-breaker.ts';
import { RegistryError } from '../../src/registry/errors.ts';
import { Stalled, TIMEOUTS, timeoutsAfter } from '../../src/registry/http/body.ts';
import { type Silence, Silences } from '../../src/registry/http/silence.ts';
import { retrying, retryPolicy } from '../../src/registry/retry.ts';
import { buildImage } from '../support/image-builder.ts';
import { client, fails, serve, sink } from '../support/registry-client.ts';

const image = buildImage({ layers: [{ bytes: 30_000, seed: 1 }] });
const amd64 = { os: 'linux', architecture: 'amd64' };
const endpoint = {
  registry: 'registry.example.com',
  host: 'registry.example.com',
  repository: 'app',
  reference: '1',
  insecure: false,
  isInsecureByHost: false,
  isElsewhere: false,
  isMirror: false,
};

/** The error after a registry has sent so many bytes, and then nothing for so long. */
const silence = (seconds: number, total = 0) =>
  new RegistryError('connection-lost', 'silent', {
    hint: 'none',
    cause: new Stalled(seconds * 1000, 0, total),
  });

test('a registry that keeps berth waiting is named, whether its reply or its body does not begin', async (t) => {
  const server = await serve(t);
  server.push('app:1', image);
  let told: Silence[] = [];
  const timeouts = { ...TIMEOUTS, reply: 500, idle: 500, told: 20 };
  const onSilence = (silence: Silence) => void told.push(silence);
  const registry = client(t, [server], { timeouts, onSilence });
  const name = `${server.host}/app:1`;
  const { blobs } = await registry.resolve(name, amd64, {});
  const [layer = assert.fail('no layer')] = blobs.toSorted((a, b) => b.size - a.size);
  for (const fault of [
    { kind: 'late', by: 1500 },
    { kind: 'stall', after: 0 },
    { kind: 'stall', after: 1000 },
  ] as const) {
    server.fault = () => fault;
    told = [];
    await fails(registry.download(name, layer, {}, sink()), 'connection-lost');
    assert.equal(told[0]?.registry, server.host);
    server.fault = undefined;
    await registry.resolve(name, amd64, {});
  }
});

/** A request, as far as a watch of silence sees it, whose reply has begun. */
class Request extends EventEmitter {
  readonly socket = { bytesRead: 0 };
  readonly reply = { readableLength: 0 };
  begin(): this {
    this.emit('response', this.reply);
    return this;
  }
}

test('silence is told after ten seconds, once for all requests, and again each minute', (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
  const told: string[] = [];
  const silences = new Silences(
    ({ registry, milliseconds }) => told.push(`${registry} ${milliseconds / 1000}`),
    TIMEOUTS.told,
  );
  const watched = (registry: string) => {
    const request = new Request();
    silences.watch(registry, request);
    return request.begin();
  };
  const [one, other] = [watched('a'), watched('a')];
  const pass = (seconds: number, meanwhile = () => {}) => {
    told.length = 0;
    for (let i = 0; i < seconds; i++) {
      t.mock.timers.tick(1000);
      meanwhile();
    }
    return told.join(', ');
  };
  assert.equal(pass(9), '');
  assert.equal(pass(1), 'a 10');
  assert.equal(pass(59), '');
  assert.equal(pass(10), 'a 75');
  const drips = () => {
    for (const { socket } of [one, other]) socket.bytesRead += 1;
  };
  assert.equal(pass(200, drips), '');
  // What berth itself does not take for a while is no silence.
  for (const { reply } of [one, other]) reply.readableLength = 1;
  assert.equal(pass(200), '');
  const another = watched('b');
  assert.equal(pass(12), 'b 10');
  for (const request of [one, other, another]) request.emit('close');
  assert.equal(pass(200), '');
});

test('the time for the first byte of a body has begun with the request', () => {
  const { reply, mirrorReply, idle } = TIMEOUTS;
  const left = (milliseconds: number) => {
    const timeouts = timeoutsAfter(TIMEOUTS, milliseconds);
    return [timeouts.reply, timeouts.mirrorReply];
  };
  assert.deepEqual(left(0), [reply, mirrorReply]);
  assert.deepEqual(left(100_000), [reply - 100_000, idle]);
  assert.deepEqual(left(reply), [idle, idle]);
  const hasty = { ...TIMEOUTS, reply: 5000 };
  assert.equal(timeoutsAfter(hasty, 60_000).reply, 5000);
});

for (const [what, errors, asked] of [
  ['minutes without a byte are enough', [silence(180)], 1],
  ['what is silent for a minute three times', [silence(60), silence(60), silence(60)], 3],
  ['two silences can be enough', [silence(100), silence(90)], 2],
  ['half a minute three times', [silence(30), silence(30), silence(30)], 3],
  ['bytes that drip for minutes', [silence(300, 500), silence(300, 500), silence(300, 500)], 3],
] as const) {
  test(`a host is left alone: ${what}`, async () => {
    const breaker = new CircuitBreaker(new Map());
    for (const error of errors) {
      await assert.rejects(
        breaker.ask(endpoint, () => Promise.reject(error)),
        (found) => found === error,
      );
    }
    const found = await breaker
      .ask(endpoint, async () => assert.fail('it was asked'))
      .catch((e: unknown) => e);
    assert.ok(found instanceof LeftAlone);
    const often = asked === 1 ? 'once' : `${asked} times in a row`;
    assert.match(
      found.message,
      new RegExp(`not asked now: it failed to answer ${often} \\(silent\\)`),
    );
  });
}

test('a request that was waited for in vain for minutes is not sent again in the same run', async (t) => {
  const server = await serve(t);
  const waits: number[] = [];
  const errors = [silence(60), silence(180), silence(60)];
  const registry = retrying(
    {
      ...client(t, [server]),
      resolve: async () => Promise.reject(errors.shift() ?? new Error('again')),
    },
    { ...retryPolicy, wait: async (milliseconds) => void waits.push(milliseconds) },
  );
  await fails(registry.resolve('registry.example.com/app:1', amd64, {}), 'connection-lost').catch(
    () => undefined,
  );
  assert.deepEqual([waits.length, errors.length], [1, 1]);
});
