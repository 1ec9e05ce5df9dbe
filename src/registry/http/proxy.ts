import { BlockList, isIP } from 'node:net';
import { Secret } from '../../common/secret.ts';
import { RegistryError } from '../errors.ts';
import { encodedLogin } from './basic.ts';

/** An HTTP proxy, through which TLS is tunnelled, or a SOCKS5 proxy. */
export interface Proxy {
  /** The URL without user and password. */
  readonly url: URL;
  readonly login?: { readonly username: string; readonly password: Secret };
}

export function isSocks({ url }: Proxy): boolean {
  return url.protocol === 'socks5:' || url.protocol === 'socks5h:';
}

/** The header with the login for an HTTP proxy. */
export function authorizationOf({ login }: Proxy): Readonly<Record<string, string>> {
  if (login === undefined) return {};
  const encoded = encodedLogin(login.username, login.password.reveal());
  return { 'proxy-authorization': `Basic ${encoded}` };
}

/** The proxy for a URL; undefined for a direct connection. */
export type ProxyFor = (url: URL) => Proxy | undefined;

/**
 * The proxies in `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, read as by Go's
 * golang.org/x/net/http/httpproxy, which every engine uses: hosts on this machine's loopback are connected
 * to directly. Unlike in Go, an invalid value is an error, because whoever set it does not want direct
 * connections.
 *
 * @throws {RegistryError} `registry-config`
 */
export function proxiesOf(environment: Readonly<Record<string, string | undefined>>): ProxyFor {
  const set = (name: string) =>
    [name, name.toLowerCase()].find((variable) => environment[variable]) ?? name;
  const proxyOf = (name: string) => parseProxy(set(name), environment[set(name)] ?? '');
  const proxies = { 'http:': proxyOf('HTTP_PROXY'), 'https:': proxyOf('HTTPS_PROXY') };
  const isExempt = exemptions(environment[set('NO_PROXY')] ?? '');
  return ({ protocol, hostname, port }) => {
    const proxy = protocol === 'http:' || protocol === 'https:' ? proxies[protocol] : undefined;
    if (proxy === undefined) return undefined;
    const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
    const isLocal =
      host === 'localhost' || (isIP(host) !== 0 && loopback.check(host, family(host)));
    if (isLocal || isExempt(host, port || (protocol === 'http:' ? '80' : '443'))) return undefined;
    return proxy;
  };
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

function family(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

const PROTOCOLS = ['http:', 'https:', 'socks5:', 'socks5h:'];

function parseProxy(variable: string, text: string): Proxy | undefined {
  if (text === '') return undefined;
  const asIs = URL.parse(text);
  const isWhole = text.includes('://') || (asIs !== null && asIs.host !== '');
  const url = isWhole ? asIs : URL.parse(`http://${text}`);
  if (url === null || url.host === '' || !PROTOCOLS.includes(url.protocol)) {
    throw noProxy(variable, text);
  }
  const { username, password } = url;
  url.username = '';
  url.password = '';
  if (username === '' && password === '') return { url };
  try {
    const secret = new Secret(decodeURIComponent(password));
    return { url, login: { username: decodeURIComponent(username), password: secret } };
  } catch (error) {
    if (error instanceof URIError) throw noProxy(variable, text);
    throw error;
  }
}

function noProxy(variable: string, text: string): RegistryError {
  const [, rest = ''] = /^(?:\w+:\/\/)?(.*)$/s.exec(text) ?? [];
  // In a text that is not a URL, a password can't be distinguished from the rest.
  const found = /[:@]/.test(rest)
    ? 'none (it is not shown: it may hold a password)'
    : JSON.stringify(text);
  return new RegistryError(
    'registry-config',
    `${variable}: expected the URL of a proxy (http, https or socks5), found ${found}`,
    {
      hint: `write it as http://proxy.example.com:3128, with special characters of user and password as %XX, or unset ${variable}`,
    },
  );
}

type Exemption = (host: string, port: string) => boolean;

/** Parses `NO_PROXY`: `*`, networks, and addresses and domains with or without a port. */
function exemptions(list: string): Exemption {
  const entries = list.split(',').map((entry) => entry.trim().toLowerCase());
  if (entries.includes('*')) return () => true;
  const exempt = entries.flatMap((entry) => exemption(entry) ?? []);
  return (host, port) => exempt.some((matches) => matches(host, port));
}

function exemption(entry: string): Exemption | undefined {
  const [, network = '', bits = ''] = /^(.*)\/(\d+)$/.exec(entry) ?? [];
  if (isIP(network) !== 0 && Number(bits) <= (isIP(network) === 6 ? 128 : 32)) {
    const list = new BlockList();
    list.addSubnet(network, Number(bits), family(network));
    // Only addresses of the network's own family: a BlockList finds IPv4 in `::/0` too.
    return (host) => isIP(host) === isIP(network) && list.check(host, family(host));
  }
  const [, bracketed, plain, port = ''] = /^(?:\[([^\]]*)\]|([^:]*)):([^:]*)$/.exec(entry) ?? [];
  const name = bracketed ?? plain ?? entry;
  if (name === '') return undefined;
  const isPort = (other: string) => port === '' || port === other;
  if (isIP(name) !== 0) {
    const list = new BlockList();
    list.addAddress(name, family(name));
    return (host, other) => isPort(other) && isIP(host) !== 0 && list.check(host, family(host));
  }
  // `.a.example` and `*.a.example` match the hosts below a.example; `a.example` matches itself too.
  const suffix = name.replace(/^\*\./, '.').replace(/^(?!\.)/, '.');
  const isWhole = !/^(\*\.|\.)/.test(name);
  return (host, other) =>
    isPort(other) && (host.endsWith(suffix) || (isWhole && host === suffix.slice(1)));
}
