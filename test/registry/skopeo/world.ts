import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startProxyServer } from '../proxy-server.ts';
import { Authority, type Pair } from './authority.ts';
import { type EndpointServer, startEndpointServer } from './endpoint-server.ts';
import { startSocksServer } from './socks-server.ts';

/** A machine of the test's own: its /etc, its loopback, and registries with names and ports. */
export interface World {
  readonly servers: readonly EndpointServer[];
  /** The CA of `private.example`, which the machine does not trust. */
  readonly privateAuthority: string;
  /** Client certificates; `mutual.example` requires the first. */
  readonly clients: readonly [Pair, Pair];
  close(): Promise<void>;
}

export const HOME = '/run/home';

/** Must be called in mount and network namespaces of its own. */
export async function makeWorld(directory: string): Promise<World> {
  const system = new Authority(directory, 'system');
  const hidden = new Authority(directory, 'private');
  const clientAuthority = new Authority(directory, 'clients');
  const known = system.issue('server', [
    'a.example.com',
    'b.sub.example.com',
    'registry-1.docker.io',
    'tls-mirror.example',
    'mutual.example',
    'tls-proxy.example',
  ]);
  const unknown = hidden.issue('server', ['private.example', 'private-proxy.example']);
  const clients = [clientAuthority.issue('one', []), hidden.issue('two', [])] as const;
  const mutual = {
    ...known,
    ca: clientAuthority.cert,
    requestCert: true,
    rejectUnauthorized: true,
  };
  const all = [
    ['a.example.com', 443, known],
    ['b.sub.example.com', 443, known],
    ['registry-1.docker.io', 443, known],
    ['tls-mirror.example', 443, known],
    ['private.example', 5443, unknown],
    ['mutual.example', 443, mutual],
    ['plain.example', 5000, undefined],
    ['mirror.example', 5000, undefined],
  ] as const;
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  // An address outside the loopback network, so that requests to it go through a proxy.
  execFileSync('ip', ['address', 'add', '10.1.2.3/32', 'dev', 'lo']);
  const proxies = [
    ['proxy.example', 3128, undefined],
    ['tls-proxy.example', 443, known],
    ['private-proxy.example', 3130, unknown],
  ] as const;
  const names = [...all, ...proxies].map(([name]) => name);
  makeEtc([...names, 'socks.example', 'nobody.example'], system.cert);
  const servers: EndpointServer[] = [];
  for (const [i, [name, port, tls]] of all.entries()) {
    servers.push(await startEndpointServer(name, { host: `127.0.0.${i + 2}`, port }, tls));
  }
  servers.push(await startEndpointServer('10.1.2.3', { host: '10.1.2.3', port: 5000 }));
  for (const [i, [name, port, tls]] of proxies.entries()) {
    const address = { host: `127.0.0.${i + 2 + all.length}`, port };
    servers.push(await startProxyServer(name, address, 'user:p@ss:', tls));
  }
  const socks = { host: `127.0.0.${names.length + 2}`, port: 1080 };
  servers.push(await startSocksServer('socks.example', socks, 'user:p@ss:'));
  return {
    servers,
    privateAuthority: hidden.cert,
    clients,
    close: async () => {
      for (const server of servers) await server.close();
    },
  };
}

/** Maps names to loopback addresses, and removes all other configuration of the machine. */
function makeEtc(names: readonly string[], authority: string): void {
  const passwd = readFileSync('/etc/passwd');
  for (const path of ['/etc', '/run', '/usr/share/containers']) {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', path]);
  }
  const hosts = names.map((name, i) => `127.0.0.${i + 2} ${name}\n`);
  write('/etc/passwd', passwd);
  write('/etc/hosts', `127.0.0.1 localhost\n${hosts.join('')}`);
  write('/etc/nsswitch.conf', 'hosts: files\n');
  write('/etc/resolv.conf', '');
  write('/etc/ssl/certs/ca-certificates.crt', authority);
}

function write(path: string, content: string | Buffer): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** The configuration files that a run finds, by path. */
export type Files = Readonly<Record<string, string>>;

/** The paths where configuration may be; everything else belongs to the world. */
const CONFIGURED = [
  '/etc/containers',
  '/etc/docker',
  '/run/containers',
  HOME,
  '/run/user',
  '/run/copy',
];

/** Replaces the files of the last run. */
export function configure(files: Files): void {
  for (const path of CONFIGURED) rmSync(path, { recursive: true, force: true });
  mkdirSync(join(HOME), { recursive: true });
  write('/etc/containers/policy.json', '{"default":[{"type":"insecureAcceptAnything"}]}');
  for (const [path, content] of Object.entries(files)) {
    write(path, content);
    if (path.startsWith(`${HOME}/bin/`)) chmodSync(path, 0o755);
  }
}
