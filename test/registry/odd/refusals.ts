import type { Change } from './document.ts';
import { type Differences, plainLogin } from './plain.ts';
import type { Redirects } from './redirects.ts';
import type { Scenario } from './scenario.ts';

/** Something that berth refuses on purpose although skopeo does not: a row of docs/registries.md. */
export interface Refusal {
  readonly refused: string;
  readonly reason: string;
  /** What berth says then. */
  readonly says: RegExp;
  /** Whether something of the kind is in a scenario. */
  readonly isIn: (scenario: Scenario) => boolean;
  /** The kind alone, which skopeo takes. */
  readonly example: Differences;
}

const layer = { packed: 'gzip', bytes: 3000, urls: 'none', isThere: true } as const;

const redirect: Redirects & { readonly of: 'layer' } = {
  of: 'layer',
  status: 307,
  to: 'elsewhere',
  spelled: 'whole',
  hops: 1,
  isShy: false,
  isCircle: false,
  isForOnce: false,
};

export const refusals: readonly Refusal[] = [
  {
    refused: 'a repeated key in an object, also in annotations',
    reason: 'some readers use the first, some the last',
    says: /an object has a key twice/,
    isIn: ({ image: { spelling } }) => spelling?.startsWith('repeated') === true,
    example: { image: { spelling: 'repeated annotation' } },
  },
  {
    refused: 'a field whose name differs only in case (`Layers`, `Config`)',
    reason: 'programs in Go accept it as the field, others ignore it',
    says: /which some readers take for/,
    isIn: hasChange(({ at }) => /(?:^|\/)[A-Z]\w*$/.test(at)),
    example: { image: { manifest: [{ at: 'Layers', to: 'null' }] } },
  },
  {
    refused: 'a `schemaVersion` other than 2, or 0, which stands for none',
    reason: 'the document has another format',
    says: /schemaVersion|schema 1/,
    isIn: (scenario) =>
      scenario.image.isSchema1 || hasChange(({ at }) => at === 'schemaVersion')(scenario),
    example: { image: { manifest: [{ at: 'schemaVersion', to: '3' }] } },
  },
  {
    refused: 'a manifest without a `config`, or with one without a digest (skopeo 1.18 takes that)',
    reason: 'its image is undefined',
    says: /fields that do not make one|config\.digest: /,
    isIn: hasChange(({ at }) => at === 'config' || at === 'config/digest'),
    example: { image: { manifest: [{ at: 'config', to: '' }] } },
  },
  {
    refused: 'a digest with two sizes',
    reason: 'a part could pass for the whole',
    says: /with \d+ and with \d+ bytes/,
    isIn: hasChange(({ at }) => /^(?:config|layers\/\d)\/size$/.test(at)),
    example: { image: { layers: [layer, layer], manifest: [{ at: 'layers/0/size', to: '7' }] } },
  },
  {
    refused: 'a config or layer without a `size`, or with a wrong one',
    reason: 'berth checks the space for it, and takes no more bytes than it should have',
    says: /\.size: |bytes of the blob/,
    isIn: hasChange(({ at }) => /^(?:config|layers\/\d)\/size$/.test(at)),
    example: { image: { manifest: [{ at: 'layers/0/size', to: '' }] } },
  },
  {
    refused: 'a `mediaType` of the document itself that is none of a manifest or index of its kind',
    reason: 'another reader could take it for something else',
    says: /calls itself/,
    isIn: hasChange(({ at }) => at === 'mediaType'),
    example: { image: { manifest: [{ at: 'mediaType', to: '"text/plain"' }] } },
  },
  {
    refused: 'a layer that the registry does not have, but a host in its `urls`',
    reason: 'berth fetches only from registries',
    says: /expected the blob \S+, found 404/,
    isIn: ({ image: { layers } }) =>
      layers.some(
        ({ type = '', urls }) => urls !== 'none' || /nondistributable|foreign/.test(type),
      ),
    example: { image: { layers: [{ ...layer, urls: 'elsewhere', isThere: false }] } },
  },
  {
    refused:
      'a manifest by tag that neither is what its `Docker-Content-Digest` says nor is known by its own digest',
    reason: 'it was altered on the way',
    says: /expected the manifest of tag \S+ to be sha256:\w+, found sha256:/,
    isIn: someRegistry(({ wire, redirects }) => {
      const isOfTag = (at: string) => at === 'tag' || (at === 'stored' && redirects?.of === 'tag');
      return wire.some(
        ({ at, oddity }) => isOfTag(at) && /altered|longer|encoded/.test(oddity.kind),
      );
    }),
    example: {
      registry: {
        wire: [{ at: 'tag', times: Number.MAX_SAFE_INTEGER, oddity: { kind: 'longer' } }],
      },
    },
  },
  {
    refused: 'a config whose first reply is wrong: other bytes, or a refusal',
    reason: 'skopeo asks twice for each config, berth again only in its next run',
    says: /expected (?:\d+ bytes of )?the blob sha256:/,
    isIn: someRegistry(({ wire }) => wire.some(({ at, times }) => at === 'config' && times <= 2)),
    example: { registry: { wire: [{ at: 'config', times: 1, oddity: { kind: 'altered' } }] } },
  },
  {
    refused: 'a reply with headers of more than 1 MiB',
    reason: 'they are kept in memory, and no registry needs more than some 20 KB',
    says: /headers of more than|Header overflow/,
    isIn: someRegistry(({ wire }) =>
      wire.some(({ oddity }) => oddity.kind === 'large-header' && oddity.kilobytes > 1024),
    ),
    example: {
      registry: {
        wire: [{ at: 'layer', times: 9, oddity: { kind: 'large-header', kilobytes: 1100 } }],
      },
    },
  },
  {
    refused: 'a redirect from TLS to plain HTTP',
    reason: 'anybody on the way could read and change what follows',
    says: /a redirect that stays with TLS/,
    isIn: someRegistry(({ isTls, redirects }) => isTls && redirects?.to === 'plain'),
    example: { registry: { isTls: true, redirects: { ...redirect, to: 'plain' } } },
  },
  {
    refused: 'a token server with plain HTTP for a registry with TLS',
    reason: 'anybody on the way could read the password',
    says: /a realm with TLS/,
    isIn: someRegistry(({ isTls, login }) => isTls && login?.realm === 'plain'),
    example: { registry: { isTls: true, login: { ...plainLogin, realm: 'plain' } } },
  },
  {
    refused: 'more than five redirects in a row',
    reason: 'each costs a connection, and no registry needs more than two',
    says: /at most 5 redirects/,
    isIn: someRegistry(({ redirects }) => (redirects?.hops ?? 0) > 5),
    example: { registry: { redirects: { ...redirect, hops: 6 } } },
  },
];

function hasChange(is: (change: Change) => boolean): Refusal['isIn'] {
  return ({ image: { manifest, index } }) => [...manifest, ...index].some(is);
}

function someRegistry(is: (registry: Scenario['registry']) => boolean): Refusal['isIn'] {
  return ({ registry, mirrors }) => is(registry) || mirrors.some((mirror) => is(mirror.registry));
}
