import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ElementSplitter } from '../../src/engine/http/elements.ts';
import { CALLERS } from '../../src/engine/http/limits.ts';
import { PodmanApi } from '../../src/engine/podman/api/api.ts';
import { listImages } from '../../src/engine/podman/images/images.ts';
import { listContainers } from '../../src/engine/podman/pins/holds.ts';
import { holds } from '../support/property.ts';
import { startFakePodman } from './podman/fake-podman.ts';

/** The elements of a text that arrives in pieces, and what is left behind them. */
function split(text: string, size: number) {
  const splitter = new ElementSplitter();
  const bytes = Buffer.from(text);
  const elements: string[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    elements.push(...splitter.split(bytes.subarray(at, at + size)));
  }
  return { elements: elements.filter((one) => one.trim() !== ''), rest: splitter.rest().trim() };
}

test('a list is split into its elements, whatever they are and in whatever pieces it arrives', async () => {
  await holds(
    200,
    fc.property(
      fc.array(fc.jsonValue({ maxDepth: 3 })),
      fc.integer({ min: 1, max: 50 }),
      fc.constantFrom(undefined, 2),
      (list, size, indent) => {
        const text = `${JSON.stringify(list, undefined, indent)}\n`;
        const { elements, rest } = split(text, size);
        assert.deepEqual(
          elements.map((one): unknown => JSON.parse(one)),
          JSON.parse(JSON.stringify(list)),
        );
        assert.equal(rest, '');
      },
    ),
  );
});

test('what is no whole list is left over', () => {
  assert.deepEqual(split('null\n', 2), { elements: [], rest: 'null' });
  assert.deepEqual(split('{"a":[1]}', 3), { elements: [], rest: '{"a":[1]}' });
  assert.equal(split('[{"a":1},{"b":', 3).rest, '[{"b":');
});

// The real podman takes minutes to make such images.
test('podman’s lists may be far larger than what berth keeps of them', async (t) => {
  const megabytes = (label: string) => ({ [label]: 'x'.repeat(4_100_000) });
  const { socket } = await startFakePodman(t, (call, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('[');
    for (let index = 0; index < 18; index++) {
      const id = index.toString(16).padStart(64, '0');
      const one = call.includes('/images/')
        ? { Id: id, Names: [`q.io/a:${index}`], Size: 1, Labels: megabytes('a') }
        : {
            Id: id,
            Created: '2026-11-30T00:00:00Z',
            ImageID: id,
            State: 'created',
            Labels: { ...megabytes('a'), 'berth.schema': '1' },
          };
      response.write(`${index === 0 ? '' : ','}${JSON.stringify(one)}`);
    }
    response.end(']\n');
  });
  const api = new PodmanApi(socket);
  t.after(() => api.close());
  const images = await listImages(api);
  assert.deepEqual(
    images.map(({ names }) => names),
    Array.from({ length: 18 }, (_, index) => [`q.io/a:${index}`]),
  );
  const containers = await listContainers(api);
  assert.equal(containers.length, 18);
  for (const { Labels } of containers) assert.deepEqual(Labels, { 'berth.schema': '1' });
});

test('many small elements count with the memory that they take', async (t) => {
  const list = (count: number) =>
    `[${Array.from({ length: count }, (_, index) => `{"Id":"a${index}","Size":1}`).join()}]`;
  let reply = list(500);
  const { socket } = await startFakePodman(t, (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(reply);
  });
  const limits = { ...CALLERS, reply: 100_000 };
  const api = new PodmanApi(socket, { limits });
  t.after(() => api.close());
  assert.equal((await listImages(api)).length, 500);
  reply = list(3000);
  assert.ok(reply.length < 100_000);
  await assert.rejects(listImages(api), { code: 'engine-reply' });
});
