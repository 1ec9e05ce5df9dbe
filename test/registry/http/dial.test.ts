import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import test, { type TestContext } from 'node:test';
import { Stalled } from '../../../src/registry/http/body.ts';
import { dial, NoneReached } from '../../../src/registry/http/dial.ts';

/** A server on an address of loopback that says nothing. */
async function listening(t: TestContext, host = '127.0.0.1', port = 0): Promise<number> {
  const server = createServer((socket) => t.after(() => socket.destroy()));
  server.listen(port, host);
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

/**
 * A host that does not answer: a process that is stopped, and whose queue of connections is full, so that the
 * kernel drops what else comes.
 */
async function silent(t: TestContext, host: string, port: number): Promise<ChildProcess> {
  const script = `require('node:net').createServer(() => {}).listen({ host: '${host}', port: ${port}, backlog: 1 }, () => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout ?? assert.fail('no pipe'), 'data');
  child.kill('SIGSTOP');
  for (let filled = 0; filled < 3; filled++) {
    const socket = connect(port, host).on('error', () => undefined);
    t.after(() => socket.destroy());
  }
  return child;
}

const at = (...addresses: readonly string[]) => ({
  within: 10_000,
  addressesOf: async () => addresses,
});

async function reached(t: TestContext, port: number, options: Parameters<typeof dial>[1]) {
  const socket = await dial({ host: 'far.example', port }, options);
  t.after(() => socket.destroy());
  return socket.remoteAddress;
}

test('an address that does not answer, or refuses, does not keep from the others', async (t) => {
  const port = await listening(t);
  await silent(t, '127.0.0.2', port);
  for (const others of [
    ['127.0.0.2'],
    ['127.0.0.3'],
    ['::1', '127.0.0.3', '127.0.0.2', '127.0.0.2'],
  ]) {
    assert.equal(await reached(t, port, at(...others, '127.0.0.1')), '127.0.0.1', others.join());
    assert.equal(await reached(t, port, at('127.0.0.1', ...others)), '127.0.0.1', others.join());
  }
});

test('an address that needs long is not given up for another that is dead', async (t) => {
  const port = await listening(t, '127.0.0.3');
  const far = await silent(t, '127.0.0.2', port);
  // Nobody listens on 127.0.0.4. The kernel knocks again after a second, and then somebody is there.
  const dialled = reached(t, port, at('127.0.0.2', '127.0.0.4'));
  far.kill('SIGCONT');
  assert.equal(await dialled, '127.0.0.2');
});

test('each address is said with its reason, and the code is the one that says most', async (t) => {
  const port = await listening(t);
  await silent(t, '127.0.0.2', port);
  const options = { ...at('127.0.0.3', '127.0.0.2', '255.255.255.255'), within: 3000 };
  await assert.rejects(dial({ host: 'far.example', port }, options), (error: unknown) => {
    assert.ok(error instanceof NoneReached);
    assert.match(
      error.message,
      /ECONNREFUSED 127\.0\.0\.3:\d+; .*255\.255\.255\.255.*; 127\.0\.0\.2: nothing for 3 seconds/,
    );
    assert.equal(error.code, 'ECONNREFUSED');
    return true;
  });
  await assert.rejects(dial({ host: 'far.example', port }, at('127.0.0.3')), {
    code: 'ECONNREFUSED',
  });
});

test('the time counts for everything together, the look-up included', async () => {
  const never = { within: 50, addressesOf: () => new Promise<readonly string[]>(() => undefined) };
  await assert.rejects(dial({ host: 'far.example', port: 1 }, never), Stalled);
  await assert.rejects(dial({ host: 'far.example', port: 1 }, at()), /no address/);
  const failing = { within: 50, addressesOf: () => Promise.reject(new Error('no such name')) };
  await assert.rejects(dial({ host: 'far.example', port: 1 }, failing), /no such name/);
});

test('a signal ends it with its reason', async (t) => {
  const port = await listening(t, '127.0.0.2');
  await silent(t, '127.0.0.5', port);
  const abort = new AbortController();
  const reason = new Error('enough');
  const dialled = dial({ host: 'far.example', port }, { ...at('127.0.0.5'), signal: abort.signal });
  abort.abort(reason);
  await assert.rejects(dialled, reason);
});

test('the names of this machine are looked up by its own rules', async (t) => {
  const port = await listening(t);
  const socket = await dial({ host: 'localhost', port }, { within: 10_000 });
  t.after(() => socket.destroy());
  assert.equal(socket.remoteAddress, '127.0.0.1');
});
