import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { hostPlatform } from '../../../src/image/platform.ts';
import { TIMEOUTS } from '../../../src/registry/http/body.ts';
import { MAX_SIGNATURE_BYTES } from '../../../src/registry/policy/signature.ts';
import { buildImage } from '../../support/image-builder.ts';
import { policyFilesBy, registriesD } from '../../support/policy-files.ts';
import { client, fails } from '../../support/registry-client.ts';

const manifest = `sha256:${'a'.repeat(64)}`;
const image = { name: '127.0.0.1:1/acme/app:1', manifest };
const path = (number: number) => `/acme/app@${manifest.replace(':', '=')}/signature-${number}`;

/** What looks like an OpenPGP message. */
const message = (number: number) => Buffer.from([0xa3, number]);

type Answer = Buffer | { readonly status: number; readonly location?: string };

interface Asked {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** A web server that takes some time for each reply, and what it was asked for. */
async function serve(
  t: TestContext,
  answers: (url: string) => Answer | undefined,
  milliseconds = 0,
) {
  const asked: Asked[] = [];
  const reply = async (url: string, response: ServerResponse) => {
    await setTimeout(milliseconds);
    response.setHeader('x-registry-supports-signatures', '1');
    response.setHeader('content-type', 'application/vnd.oci.image.manifest.v1+json');
    const answer = answers(url) ?? { status: 404 };
    if (Buffer.isBuffer(answer)) response.end(answer);
    else
      response.writeHead(answer.status, answer.location ? { location: answer.location } : {}).end();
  };
  const server = createServer(({ url = '', headers }, response) => {
    asked.push({ url, headers });
    void reply(url, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { host: `127.0.0.1:${port}`, asked };
}

/** A client on a host with this lookaside. */
function reader(
  t: TestContext,
  lookaside: string,
  files: ReadonlyMap<string, Buffer> = new Map(),
  timeouts = TIMEOUTS,
) {
  const registry = client(t, [], {
    timeouts,
    policyFiles: {
      ...policyFilesBy('insecureAcceptAnything'),
      registriesD: async () => ({ ...registriesD(false), lookasideOf: () => lookaside }),
      signatureFile: (path) => files.get(path),
    },
  });
  return () => registry.signatures(image, {});
}

const three = (url: string) => {
  const number = Number(/signature-(\d+)$/.exec(url)?.[1]);
  return number <= 3 ? message(number) : undefined;
};

test('signatures are read until one is not there', async (t) => {
  const { host, asked } = await serve(t, three);
  const signatures = await reader(t, `http://${host}`)();
  assert.deepEqual(signatures, [1, 2, 3].map(message));
  assert.deepEqual(
    asked.map(({ url }) => url),
    [1, 2, 3, 4].map(path),
  );
  assert.ok(asked.every(({ headers }) => headers.authorization === undefined));
});

for (const [base, prefix] of [
  ['', ''],
  ['/', '/'],
  ['/a/b', '/a/b'],
  ['/a/b/', '/a/b/'],
  ['/a%20b%2541', '/a%20b%2541'],
] as const) {
  test(`below ${base || 'the host'}`, async (t) => {
    const { host, asked } = await serve(t, () => undefined);
    await reader(t, `http://${host}${base}`)();
    assert.deepEqual(
      asked.map(({ url }) => url),
      [`${prefix}${path(1)}`],
    );
  });
}

test('a query stays', async (t) => {
  const { host, asked } = await serve(t, () => undefined);
  await reader(t, `http://${host}/a?token=1#part`)();
  assert.deepEqual(
    asked.map(({ url }) => url),
    [`/a${path(1)}?token=1`],
  );
});

test('a directory of this machine', async (t) => {
  const files = new Map([[`/a b${path(1)}`, message(1)]]);
  assert.deepEqual(await reader(t, 'file:///a%20b', files)(), [message(1)]);
});

test('a user and password are sent to their own origin, and are in no message', async (t) => {
  const other = await serve(t, () => ({ status: 403 }));
  const { host, asked } = await serve(t, (url) => ({
    status: 302,
    location: `http://${other.host}${url}`,
  }));
  const error = await fails(
    reader(t, `http://me:pass%3Aword@${host}/x?token=secret`)(),
    'forbidden',
  );
  const login = `Basic ${Buffer.from('me:pass:word').toString('base64')}`;
  assert.deepEqual(
    asked.map(({ headers }) => headers.authorization),
    [login],
  );
  assert.deepEqual(
    other.asked.map(({ headers }) => headers.authorization),
    [undefined],
  );
  assert.match(
    error.message,
    /a signature at http:\/\/127\.0\.0\.1:\d+\/x\/acme\/app@sha256=a+\/signature-1/,
  );
  assert.doesNotMatch(`${error.message} ${error.hint}`, /pass|secret|me:/);
});

const failures = [
  ['a server that fails', () => ({ status: 500 }), 'registry-failed'],
  ['a page of a web site', () => Buffer.from('<html>'), 'bad-reply'],
  ['an empty file', () => Buffer.alloc(0), 'bad-reply'],
  ['too large a file', () => Buffer.alloc(MAX_SIGNATURE_BYTES + 1, 0xa3), 'bad-reply'],
  ['files without end', () => message(1), 'bad-reply'],
] as const;

for (const [what, answers, code] of failures) {
  test(`${what} is an error`, async (t) => {
    const { host } = await serve(t, answers);
    await fails(reader(t, `http://${host}`)(), code);
  });
}

for (const lookaside of ['/var/lib/sigstore', 'ftp://example.com', 'http://%zz', 'https://a/%zz']) {
  test(`${lookaside} is no lookaside`, async (t) => {
    const error = await fails(reader(t, lookaside)(), 'registry-config');
    assert.match(error.message, /^\/r: expected the lookaside of 127\.0\.0\.1:1 to be a URL/);
  });
}

test('a lookaside has one deadline for all its signatures', async (t) => {
  const { host, asked } = await serve(t, () => message(1), 40);
  const timeouts = { ...TIMEOUTS, lookaside: 200 };
  const error = await fails(reader(t, `http://${host}`, new Map(), timeouts)(), 'too-slow');
  assert.match(error.message, /all signatures of sha256:a+ within 0\.2 seconds/);
  assert.ok(asked.length >= 1 && asked.length < 7, `${asked.length} requests`);
});

test('a registry that stores signatures itself is asked instead of the lookaside', async (t) => {
  const content = message(1).toString('base64');
  const signatures = [
    { schemaVersion: 2, name: `${manifest}@1`, type: 'atomic', content },
    { schemaVersion: 2, name: `${manifest}@2`, type: 'other', content },
    { schemaVersion: 1, name: `${manifest}@3`, type: 'atomic', content },
  ];
  let reply = JSON.stringify({ signatures });
  const built = buildImage({ layers: [{ bytes: 10, seed: 1 }] });
  const { host, asked } = await serve(t, (url) => {
    if (url.startsWith('/extensions/')) return Buffer.from(reply);
    return url.includes('/manifests/') ? built.top.content : undefined;
  });
  const registry = client(t, [{ host }], {
    policyFiles: {
      ...policyFilesBy('insecureAcceptAnything'),
      registriesD: async () => ({ ...registriesD(false), lookasideOf: () => `http://${host}` }),
    },
  });
  const name = `${host}/acme/app:1`;
  const { manifest: digest } = await registry.resolve(name, hostPlatform(), {});
  asked.length = 0;
  const found = () => registry.signatures({ name, manifest: digest }, {});
  assert.deepEqual(await found(), [message(1)]);
  assert.deepEqual(
    asked.map(({ url }) => url),
    [`/extensions/v2/acme/app/signatures/${digest}`],
  );
  reply = '{"signatures":null}';
  assert.deepEqual(await found(), []);
  for (const odd of ['', 'null', '{"signatures":[1]}', '{"signatures":[{"content":"%"}]}']) {
    reply = odd;
    await fails(found(), 'bad-reply');
  }
});

test('a registry that was not asked yet says at /v2/ whether it stores signatures, once', async (t) => {
  const signatures = [{ schemaVersion: 2, type: 'atomic', content: message(1).toString('base64') }];
  const { host, asked } = await serve(t, (url) =>
    url.startsWith('/extensions/') ? Buffer.from(JSON.stringify({ signatures })) : undefined,
  );
  const registry = client(t, [{ host }], {
    policyFiles: {
      ...policyFilesBy('insecureAcceptAnything'),
      registriesD: async () => ({ ...registriesD(false), lookasideOf: () => `http://${host}` }),
    },
  });
  const found = () => registry.signatures({ name: `${host}/acme/app:1`, manifest }, {});
  assert.deepEqual([await found(), await found()], [[message(1)], [message(1)]]);
  const extension = `/extensions/v2/acme/app/signatures/${manifest}`;
  assert.deepEqual(
    asked.map(({ url }) => url),
    ['/v2/', extension, extension],
  );
});
