import fc from 'fast-check';
import type { Question } from './compare.ts';
import { HOME, type World } from './world.ts';

const DIRECTORIES = [
  `${HOME}/.config/containers/certs.d`,
  '/etc/containers/certs.d',
  '/etc/docker/certs.d',
];
const HOSTS = ['private.example:5443', 'mutual.example', 'private.example', 'mutual.example:443'];

/** certs.d in all its places, with possible contents, and the ways to skip checks. */
export function certsQuestions({ privateAuthority, clients }: World): fc.Arbitrary<Question> {
  const [accepted, other] = clients;
  const garbage = '-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n';
  const pair = (name: string, cert: string, key: string) => ({
    [`${name}.cert`]: cert,
    [`${name}.key`]: key,
  });
  const authority = fc.constantFrom(
    {},
    { 'ca.crt': privateAuthority },
    { 'ca.crt': privateAuthority },
    { 'some-name.crt': `words\n${garbage}${privateAuthority}` },
    { 'ca.crt': garbage },
    { 'ca.crt': '' },
    { 'ca.pem': privateAuthority },
  );
  const identity = fc.constantFrom<Readonly<Record<string, string>>>(
    {},
    {},
    pair('client', accepted.cert, accepted.key),
    pair('client', accepted.cert, accepted.key),
    pair('client', other.cert, other.key),
    { ...pair('a', other.cert, other.key), ...pair('b', accepted.cert, accepted.key) },
    { ...pair('a', accepted.cert, accepted.key), ...pair('b', other.cert, other.key) },
    pair('client', accepted.cert, other.key),
    pair('client', garbage, accepted.key),
    pair('client', '', ''),
    { 'client.cert': accepted.cert },
    { 'client.key': accepted.key },
    { 'client.crt': accepted.cert, 'client.key': accepted.key },
  );
  return fc
    .record({
      name: fc.constantFrom(
        'private.example:5443/app:1',
        'mutual.example/app:1',
        'a.example.com/mirrored/app:1',
      ),
      directories: fc.array(
        fc.record({
          directory: fc.constantFrom(...DIRECTORIES),
          host: fc.oneof(
            { weight: 4, arbitrary: fc.constantFrom('private.example:5443', 'mutual.example') },
            { weight: 1, arbitrary: fc.constantFrom(...HOSTS) },
          ),
          authority,
          identity,
        }),
        { maxLength: 4 },
      ),
      insecure: fc.constantFrom(false, false, true),
      tlsVerify: fc.constantFrom(undefined, undefined, true, false),
      environment: fc.oneof(
        { weight: 3, arbitrary: fc.constant({}) },
        {
          weight: 1,
          arbitrary: fc.record(
            {
              SSL_CERT_FILE: fc.constantFrom('/etc/containers/own.pem', '/etc/none.pem', ''),
              SSL_CERT_DIR: fc.constantFrom('/etc/containers/own:/etc/none', '/etc/none', ''),
            },
            { requiredKeys: [] },
          ),
        },
      ),
    })
    .map(({ name, directories, insecure, tlsVerify, environment }) => {
      const files = directories.flatMap(({ directory, host, authority: ca, identity: own }) =>
        Object.entries({ ...ca, ...own, readme: '' }).map(
          ([file, content]) => [`${directory}/${host}/${file}`, content] as const,
        ),
      );
      const rules = [
        `[[registry]]\nlocation = "a.example.com/mirrored"\n[[registry.mirror]]`,
        `location = "mutual.example"\ninsecure = ${insecure}`,
        `[[registry]]\nlocation = "private.example:5443"\ninsecure = ${insecure}`,
        `[[registry]]\nlocation = "mutual.example"\ninsecure = ${insecure}`,
      ];
      return {
        name,
        files: {
          ...Object.fromEntries(files),
          '/etc/containers/registries.conf': rules.join('\n'),
          '/etc/containers/own.pem': privateAuthority,
          '/etc/containers/own/a.txt': `words\n${privateAuthority}`,
        },
        environment,
        behaviours: {},
        tlsVerify,
      };
    });
}
