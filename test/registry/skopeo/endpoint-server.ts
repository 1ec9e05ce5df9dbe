import { once } from 'node:events';
import http, { type IncomingMessage, type RequestListener } from 'node:http';
import https, { type ServerOptions } from 'node:https';
import { TLSSocket } from 'node:tls';
import { type BuiltImage, buildImage } from '../../support/image-builder.ts';
import { type Answer, refusal } from '../../support/registry-answer.ts';
import { Gate, type RegistryAuth } from '../../support/registry-auth.ts';

/** How a registry behaves in one run. */
export interface Behaviour {
  /** The status of all replies. */
  readonly status?: number;
  /** The status of replies to requests for manifests. */
  readonly manifests?: number;
  readonly auth?: RegistryAuth;
}

/** The requests that one registry saw in one run. */
export interface Seen {
  /** `user:password` as they were sent, also for a token. */
  readonly logins: Set<string>;
  /** The names in client certificates. */
  readonly clients: Set<string>;
  /** The repositories of the manifests that the registry served. */
  readonly gave: Set<string>;
}

/** A registry that has the same image under every name, and tells who asked. */
export interface EndpointServer {
  readonly name: string;
  behaviour: Behaviour;
  seen: Seen;
  /** Called for each connection and each request. */
  onAsked: () => void;
  /** The image of its tag `1`; other registries have another one. */
  readonly image: BuiltImage;
  close(): Promise<void>;
}

/** A server without images of its own: a proxy. */
export function withoutImages(name: string, close: EndpointServer['close']): EndpointServer {
  return {
    name,
    behaviour: {},
    seen: unseen(),
    onAsked: () => undefined,
    image: buildImage({ layers: [] }),
    close,
  };
}

/** The image that every registry has by its digest. */
export const common = buildImage({
  layers: [{ files: { common: 'all' } }],
  platforms: ['linux/amd64', 'linux/arm64'],
});

export async function startEndpointServer(
  name: string,
  address: { readonly host: string; readonly port: number },
  tls?: ServerOptions,
): Promise<EndpointServer> {
  const image = buildImage({ layers: [{ files: { 'etc/name': name } }] });
  const server: EndpointServer = {
    name,
    behaviour: {},
    seen: unseen(),
    onAsked: () => undefined,
    image,
    close: async () => {
      listener.close();
      listener.closeAllConnections();
      await once(listener, 'close');
    },
  };
  let gate: { readonly auth: RegistryAuth | undefined; readonly gate: Gate } | undefined;
  const handle: RequestListener = (request, response) => {
    server.onAsked();
    const { auth } = server.behaviour;
    if (gate === undefined || gate.auth !== auth) {
      gate = { auth, gate: new Gate(auth, `${tls ? 'https' : 'http'}://${request.headers.host}`) };
    }
    const answer = answerTo(server, request, gate.gate);
    response.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length });
    response.end(answer.body);
  };
  const listener = tls ? https.createServer(tls, handle) : http.createServer(handle);
  listener.on('connection', () => server.onAsked());
  listener.listen(address.port, address.host);
  await once(listener, 'listening');
  return server;
}

export function unseen(): Seen {
  return { logins: new Set(), clients: new Set(), gave: new Set() };
}

function answerTo(server: EndpointServer, request: IncomingMessage, gate: Gate): Answer {
  const { method = '', url = '', headers, socket } = request;
  const { authorization } = headers;
  const [, login] = /^Basic (.*)$/.exec(authorization ?? '') ?? [];
  const text = Buffer.from(login ?? '', 'base64').toString('utf8');
  // Go sends an empty login if it has none.
  if (text !== '' && text !== ':') server.seen.logins.add(text);
  if (method === 'POST') server.seen.logins.add('a refresh token');
  const peer = socket instanceof TLSSocket ? socket.getPeerCertificate().subject : undefined;
  if (peer !== undefined) server.seen.clients.add(String(peer.CN));
  const { status, manifests } = server.behaviour;
  if (status !== undefined) return refused(status);
  const logged = {
    method,
    path: url,
    status: 0,
    bytes: 0,
    ...(authorization ? { authorization } : {}),
  };
  const stopped = gate.answer(logged);
  if (stopped !== undefined) return stopped;
  if (/^\/v2\/?$/.test(url)) return { status: 200, headers: {}, body: Buffer.from('{}') };
  const [, repository = '', kind, reference = ''] =
    /^\/v2\/(.+)\/(manifests|blobs)\/([^/?]+)$/.exec(url) ?? [];
  if (kind === 'manifests' && manifests !== undefined) return refused(manifests);
  const found = find(server.image, kind, reference);
  if (kind === 'manifests' && found.status === 200) server.seen.gave.add(repository);
  return found;
}

/** A refusal that may be repeated without delay. */
function refused(status: number): Answer {
  return refusal(status, 'DENIED', 'as the test wants it', { 'retry-after': '0' });
}

function find(own: BuiltImage, kind: string | undefined, reference: string): Answer {
  if (kind === 'blobs') {
    const body = own.blobs.get(reference) ?? common.blobs.get(reference);
    if (body === undefined) return refusal(404, 'BLOB_UNKNOWN', 'blob unknown');
    return { status: 200, headers: { 'content-type': 'application/octet-stream' }, body };
  }
  const manifest =
    reference === '1'
      ? own.top
      : [own.top, ...own.manifests, common.top, ...common.manifests].find(
          ({ digest }) => digest === reference,
        );
  if (manifest === undefined) return refusal(404, 'MANIFEST_UNKNOWN', 'manifest unknown');
  const { mediaType, digest, content } = manifest;
  return {
    status: 200,
    headers: { 'content-type': mediaType, 'docker-content-digest': digest },
    body: content,
  };
}
