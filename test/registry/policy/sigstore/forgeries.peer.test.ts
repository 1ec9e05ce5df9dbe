import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import test from 'node:test';
import { skipPodman } from '../../../support/podman.ts';
import {
  ANNOTATION,
  agree,
  type FakeAttachment,
  payload,
  signatureOf,
  signed,
  startSigning,
} from '../../../support/signing.ts';
import { askFor, attachmentsAt, publicPem } from './asking.ts';

const options = { skip: skipPodman };

/** Attachments in place of a right signature, made from it. */
const forgeries: readonly (readonly [
  what: string,
  isTaken: boolean,
  forge: (key: KeyObject, said: Record<string, unknown>) => readonly FakeAttachment[],
])[] = [
  ['nothing', false, () => []],
  ['a signature', true, (key, said) => [signed(key, JSON.stringify(said))]],
  [
    'one of another, then one',
    true,
    (key, said) => [
      signed(generateKeyPairSync('ed25519').privateKey, JSON.stringify(said)),
      signed(key, JSON.stringify(said)),
    ],
  ],
  [
    'something else as well',
    true,
    (key, said) => [
      { content: Buffer.from('{}'), mediaType: 'application/vnd.dsse.envelope.v1+json' },
      signed(key, JSON.stringify(said)),
    ],
  ],
  [
    'a signature called otherwise',
    false,
    (key, said) => [{ ...signed(key, JSON.stringify(said)), mediaType: 'application/json' }],
  ],
  ['no annotation', false, (_, said) => [{ content: Buffer.from(JSON.stringify(said)) }]],
  [
    'an empty annotation',
    false,
    (_, said) => [
      { content: Buffer.from(JSON.stringify(said)), annotations: { [ANNOTATION]: '' } },
    ],
  ],
  ...(
    [
      ['cut', false, (text) => text.slice(0, -8)],
      ['without padding', false, (text) => text.replace(/=+$/, '')],
      ['with a line break', true, (text) => `${text.slice(0, 20)}\n${text.slice(20)}`],
      ['with a space', false, (text) => `${text.slice(0, 20)} ${text.slice(20)}`],
      ['with more behind it', false, (text) => `${text}AAAA`],
    ] as readonly (readonly [string, boolean, (text: string) => string])[]
  ).map(
    ([what, isTaken, change]) =>
      [
        `a signature ${what}`,
        isTaken,
        (key: KeyObject, said: Record<string, unknown>) => {
          const content = Buffer.from(JSON.stringify(said));
          // A length that is no multiple of three needs padding.
          const spaces = padded(key, content);
          return [{ content: spaces.content, annotations: { [ANNOTATION]: change(spaces.text) } }];
        },
      ] as const,
  ),
  [
    'another payload than was signed',
    false,
    (key, said) => {
      const { annotations } = signed(key, JSON.stringify(said));
      return [
        { content: Buffer.from(`${JSON.stringify(said)} `), ...(annotations && { annotations }) },
      ];
    },
  ],
  ...(
    [
      ['spaces', true, (text) => ` ${text}\n`],
      ['more after it', false, (text) => `${text}x`],
      ['a key twice', false, (text) => text.replace('{"critical"', '{"optional":null,"critical"')],
      ['a key more', false, (text) => text.replace('{', '{"more":1,')],
      ['a key more inside', false, (text) => text.replace('"critical":{', '"critical":{"more":1,')],
      ['no optional', false, (text) => text.replace(',"optional":null', '')],
      ['creator and time', true, (text) => optional(text, '{"creator":"x","timestamp":1}')],
      ['half a second', false, (text) => optional(text, '{"timestamp":1.5}')],
      ['a number as creator', false, (text) => optional(text, '{"creator":1}')],
      ['anything else optional', true, (text) => optional(text, '{"a":[{}],"b":null}')],
      ['a text as optional', false, (text) => optional(text, '"x"')],
      ['another type', false, (text) => text.replace('cosign container', 'atomic container')],
      ['an algorithm that is not known', false, (text) => text.replace('sha256:', 'md5:')],
      ['a digest in capitals', false, (text) => text.replace(/sha256:\w+/, upperDigest)],
      [
        'no name',
        false,
        (text) => text.replace(/"docker-reference":"[^"]*"/, '"docker-reference":""'),
      ],
      ['a byte order mark', false, (text) => `\uFEFF${text}`],
      ['a key with another case', false, (text) => text.replace('"critical"', '"Critical"')],
    ] as readonly (readonly [string, boolean, (text: string) => string])[]
  ).map(
    ([what, isTaken, change]) =>
      [
        `a signed payload with ${what}`,
        isTaken,
        (key: KeyObject, said: Record<string, unknown>) => [
          signed(key, change(JSON.stringify(said))),
        ],
      ] as const,
  ),
];

function optional(text: string, value: string): string {
  return text.replace('"optional":null', `"optional":${value}`);
}

function upperDigest(digest: string): string {
  return `sha256:${digest.slice('sha256:'.length).toUpperCase()}`;
}

function padded(key: KeyObject, content: Buffer): { content: Buffer; text: string } {
  for (;;) {
    const text = signatureOf(key, content);
    if (text.endsWith('=')) return { content, text };
  }
}

test('almost valid signatures: berth accepts those that skopeo accepts', options, async (t) => {
  const signing = await startSigning(t);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  attachmentsAt(signing);
  askFor(signing, { keyPath: signing.write('key.pub', publicPem(privateKey)) });
  for (const [i, [what, isTaken, forge]] of forgeries.entries()) {
    const repository = `forged-${i}`;
    const { digest } = (await signing.push(repository)).top;
    const name = `${signing.host}/${repository}`;
    await signing.attach(repository, digest, forge(privateKey, payload(name, digest)));
    assert.equal(await agree(signing, `${name}:1`, what), isTaken, what);
  }
});
