import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { startGpg, statement } from '../../../support/gpg.ts';
import { skipPodman } from '../../../support/podman.ts';
import { startSigning } from '../../../support/signing.ts';
import { newestSkopeo } from '../../../support/skopeo.ts';

type Gpg = ReturnType<typeof startGpg>;

/** A signed text, and the keys of the policy. */
interface Case {
  readonly message: Buffer;
  readonly keys: Buffer;
}

const PAST = '20200101T000000';
const SOON_AFTER = '20200101T010000';

/** Adds a subkey in the past that lives for a day. */
function shortSubkey(gpg: Gpg, name: string): string {
  const [primary = ''] = gpg.fingerprints(name);
  const add = ['--quick-add-key', primary, 'ed25519', 'sign', '1d'];
  gpg.gpg(['--faked-system-time', `${PAST}!`, ...add]);
  return gpg.fingerprints(name).at(-1) ?? '';
}

function revokeSubkey(gpg: Gpg, name: string): void {
  const [primary = ''] = gpg.fingerprints(name);
  const answers = 'key 1\nrevkey\ny\n0\n\ny\nsave\n';
  gpg.gpg(['--no-batch', '--no-tty', '--command-fd', '0', '--edit-key', primary], answers);
}

/**
 * What becomes of a signature by a key that has died. skopeo 1.22 asks for the primary key of a signature, as
 * berth does; 1.18 takes none by a subkey.
 */
const cases: readonly (readonly [
  what: string,
  isTaken: boolean,
  by118: boolean,
  make: (gpg: Gpg, name: string, text: string) => Case,
])[] = [
  [
    'a key that lives',
    true,
    true,
    (gpg, name, text) => {
      gpg.key(name);
      return { message: gpg.sign(name, text), keys: gpg.public(name) };
    },
  ],
  [
    'a key that has expired, while it lived',
    false,
    false,
    (gpg, name, text) => {
      gpg.key(name, { at: PAST, expires: '1d' });
      return { message: gpg.sign(name, text, { at: SOON_AFTER }), keys: gpg.public(name) };
    },
  ],
  [
    'a key that had expired and lives on',
    true,
    true,
    (gpg, name, text) => {
      gpg.key(name, { at: PAST, expires: '1d' });
      const message = gpg.sign(name, text, { at: SOON_AFTER });
      gpg.gpg(['--quick-set-expire', gpg.fingerprints(name)[0] ?? '', 'never']);
      return { message, keys: gpg.public(name) };
    },
  ],
  [
    'a key that the policy knows as it was before it lived on',
    false,
    false,
    (gpg, name, text) => {
      gpg.key(name, { at: PAST, expires: '1d' });
      const keys = gpg.public(name);
      gpg.gpg(['--quick-set-expire', gpg.fingerprints(name)[0] ?? '', 'never']);
      return { message: gpg.sign(name, text), keys };
    },
  ],
  [
    'a key that is revoked',
    false,
    false,
    (gpg, name, text) => {
      gpg.key(name);
      return { message: gpg.sign(name, text), keys: gpg.revoked(name) };
    },
  ],
  [
    'a key whose revocation the policy does not know',
    true,
    true,
    (gpg, name, text) => {
      gpg.key(name);
      const [message, keys] = [gpg.sign(name, text), gpg.public(name)];
      gpg.revoked(name);
      return { message, keys };
    },
  ],
  [
    'a subkey',
    true,
    false,
    (gpg, name, text) => {
      gpg.key(name, { usage: 'cert' });
      return { message: gpg.sign(gpg.subkey(name), text), keys: gpg.public(name) };
    },
  ],
  [
    'a subkey that has expired, while it lived',
    false,
    false,
    (gpg, name, text) => {
      gpg.key(name, { usage: 'cert', at: PAST });
      const message = gpg.sign(shortSubkey(gpg, name), text, { at: SOON_AFTER });
      return { message, keys: gpg.public(name) };
    },
  ],
  [
    'a primary key of which a subkey has expired',
    true,
    true,
    (gpg, name, text) => {
      gpg.key(name, { at: PAST });
      shortSubkey(gpg, name);
      return { message: gpg.sign(name, text), keys: gpg.public(name) };
    },
  ],
  [
    'a subkey of a key that has expired, while it lived',
    false,
    false,
    (gpg, name, text) => {
      gpg.key(name, { usage: 'cert', at: PAST, expires: '1d' });
      const message = gpg.sign(shortSubkey(gpg, name), text, { at: SOON_AFTER });
      return { message, keys: gpg.public(name) };
    },
  ],
  [
    'a subkey that is revoked',
    false,
    false,
    (gpg, name, text) => {
      gpg.key(name, { usage: 'cert' });
      const message = gpg.sign(gpg.subkey(name), text);
      revokeSubkey(gpg, name);
      return { message, keys: gpg.public(name) };
    },
  ],
  [
    'a primary key of which a subkey is revoked',
    true,
    true,
    (gpg, name, text) => {
      gpg.key(name);
      gpg.subkey(name);
      revokeSubkey(gpg, name);
      return { message: gpg.sign(name, text), keys: gpg.public(name) };
    },
  ],
  [
    'a subkey of a key that is revoked',
    false,
    false,
    (gpg, name, text) => {
      gpg.key(name, { usage: 'cert' });
      return { message: gpg.sign(gpg.subkey(name), text), keys: gpg.revoked(name) };
    },
  ],
  [
    'a subkey that the policy does not know, of a key that it knows',
    false,
    false,
    (gpg, name, text) => {
      gpg.key(name);
      const keys = gpg.public(name);
      return { message: gpg.sign(gpg.subkey(name), text), keys };
    },
  ],
  [
    'a key from the future',
    false,
    false,
    (gpg, name, text) => {
      gpg.key(name, { at: '20400101T000000' });
      return { message: gpg.sign(name, text, { at: '20400101T010000' }), keys: gpg.public(name) };
    },
  ],
  [
    'a key that is younger than the signature',
    false,
    false,
    (gpg, name, text) => {
      gpg.key(name, { at: PAST });
      const words = ['--ignore-time-conflict', '--ignore-valid-from'];
      const message = gpg.sign(name, text, { at: '20190101T000000', words });
      return { message, keys: gpg.public(name) };
    },
  ],
];

test('signatures by keys that have died: berth takes what skopeo 1.22 takes, and 1.18 no more than that', {
  skip: skipPodman,
}, async (t) => {
  const signing = await startSigning(t);
  const { host, directory } = signing;
  const gpg = startGpg(t);
  const lookaside = join(directory, 'sigs');
  signing.writeRegistriesD(`default-docker:\n  lookaside: file://${lookaside}\n`);
  const { digest } = (await signing.push('acme/app')).top;
  const name = `${host}/acme/app:1`;
  const place = join(lookaside, `acme/app@${digest.replace(':', '=')}`);
  mkdirSync(place, { recursive: true });
  const text = JSON.stringify(statement(name, digest));
  const expected: string[] = [];
  const found: string[] = [];
  const line = (what: string, ...taken: readonly boolean[]) => `${what}: ${taken.join(', ')}`;
  for (const [at, [what, isTaken, by118, make]] of cases.entries()) {
    const { message, keys } = make(gpg, `key-${at}`, text);
    writeFileSync(join(place, 'signature-1'), message);
    const required = [{ type: 'signedBy', keyType: 'GPGKeys', keyData: keys.toString('base64') }];
    signing.writePolicy({
      default: [{ type: 'reject' }],
      transports: { docker: { [host]: required } },
    });
    const said = [
      await signing.berth(name),
      await signing.skopeo(name, '', newestSkopeo()),
      await signing.skopeo(name),
    ];
    expected.push(line(what, isTaken, isTaken, by118));
    found.push(line(what, ...said.map((refusal) => refusal === undefined)));
  }
  assert.deepEqual(found, expected);
});
