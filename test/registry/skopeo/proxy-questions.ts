import fc from 'fast-check';
import type { Question } from './compare.ts';

/** All values are valid proxies: skopeo ignores an invalid one, and berth does not. */
const PROXIES = [
  'http://proxy.example:3128',
  'http://user:p%40ss%3A@proxy.example:3128',
  'http://user:p%40ss%3A@proxy.example:3128/',
  'user:p%40ss%3A@proxy.example:3128',
  'http://user:wrong@proxy.example:3128',
  'http://user@proxy.example:3128',
  'https://user:p%40ss%3A@tls-proxy.example',
  'https://user:p%40ss%3A@private-proxy.example:3130',
  'http://nobody.example:3128',
  'socks5://user:p%40ss%3A@socks.example',
  'socks5h://user:p%40ss%3A@socks.example:1080/',
  'socks5://user:wrong@socks.example',
  'socks5://socks.example',
  'socks5://proxy.example:3128',
  '127.0.0.1',
  '',
];

const EXEMPT = [
  '*',
  'a.example.com',
  'A.Example.COM',
  '.a.example.com',
  '.example.com',
  '*.example.com',
  'example.com',
  'com:443',
  'a.example.com:443',
  'a.example.com:80',
  'plain.example:5000',
  'ample.com',
  '10.1.2.3',
  '10.1.2.3:5000',
  '10.1.2.3:80',
  '10.0.0.0/8',
  '10.1.2.0/33',
  '11.0.0.0/8',
  '::/0',
  '[::1]:80',
  ':5000',
  '.',
  'localhost',
  '',
];

/** HTTP_PROXY, HTTPS_PROXY and NO_PROXY in both cases, and proxies that refuse. */
export const proxyQuestions: fc.Arbitrary<Question> = fc
  .record({
    name: fc.constantFrom(
      'a.example.com/app:1',
      'a.example.com/app:1',
      'b.sub.example.com/app:1',
      'plain.example:5000/app:1',
      '10.1.2.3:5000/app:1',
      '127.0.0.8:5000/app:1',
    ),
    environment: fc.record(
      {
        HTTP_PROXY: fc.constantFrom(...PROXIES),
        http_proxy: fc.constantFrom(...PROXIES),
        HTTPS_PROXY: fc.constantFrom(...PROXIES),
        https_proxy: fc.constantFrom(...PROXIES),
        NO_PROXY: exempt(),
        no_proxy: exempt(),
      },
      { requiredKeys: [] },
    ),
    status: fc.constantFrom(undefined, undefined, undefined, 403, 502),
  })
  .map(({ name, environment, status }) => ({
    name,
    environment,
    files: {
      '/etc/containers/registries.conf': ['plain.example:5000', '10.1.2.3:5000', '127.0.0.8:5000']
        .map((location) => `[[registry]]\nlocation = "${location}"\ninsecure = true\n`)
        .join(''),
    },
    behaviours: status === undefined ? {} : { 'proxy.example': { status } },
  }));

function exempt(): fc.Arbitrary<string> {
  const entry = fc
    .tuple(fc.constantFrom(...EXEMPT), fc.constantFrom('', ' '))
    .map(([text, space]) => `${space}${text}${space}`);
  return fc.array(entry, { maxLength: 3 }).map((entries) => entries.join(','));
}
