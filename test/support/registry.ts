import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { BuiltImage, BuiltManifest } from './image-builder.ts';
import { type Answer, type LoggedRequest, refusal } from './registry-answer.ts';
import { Gate, type RegistryAuth } from './registry-auth.ts';
import { answerWithFault, type Fault } from './registry-fault.ts';

export interface RegistryOptions {
  readonly auth?: RegistryAuth;
  /** PEM; without it the registry speaks plain HTTP. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** A registry in this process, which answers as it should, or as badly as `fault` says. */
export interface TestRegistry {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** Stores an image under `app:1`, or moves the tag to it. */
  push(name: string, image: BuiltImage): { readonly digest: string };
  readonly requests: LoggedRequest[];
  /** Of bodies, since the start. */
  readonly bytesSent: number;
  /** Asked before each answer that is not a token; nothing else is looked at if it has one. */
  fault: ((request: LoggedRequest) => Fault | undefined) | undefined;
  /** As `fault`, before each answer that is a token. */
  tokenFault: ((request: LoggedRequest) => Fault | undefined) | undefined;
  /** Makes every bearer token that was given worthless. */
  expireTokens(): void;
  /** Closes every connection that waits for its next request. */
  dropConnections(): void;
  close(): Promise<void>;
}

/** Starts a registry on a port of loopback: OCI distribution-spec v1.1, "Pull". */
export async function startRegistry(options: RegistryOptions = {}): Promise<TestRegistry> {
  const repositories = new Map<string, Repository>();
  const requests: LoggedRequest[] = [];
  const sent = { bytes: 0 };
  const listen = (request: IncomingMessage, response: ServerResponse) => {
    const logged = log(request);
    requests.push(logged);
    const whole = gate.answer(logged) ?? find(repositories, logged);
    const answer = partOf(whole, request.headers.range);
    const fault = (gate.isForToken(logged) ? registry.tokenFault : registry.fault)?.(logged);
    logged.status = fault !== undefined && 'status' in fault ? fault.status : answer.status;
    const count = (bytes: number) => {
      logged.bytes += bytes;
      sent.bytes += bytes;
    };
    if (fault === undefined) count(send(request, response, answer));
    else answerWithFault(fault, answer, response, count);
  };
  const server =
    options.tls === undefined ? createServer(listen) : createTlsServer(options.tls, listen);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${portOf(server.address())}`;
  const gate = new Gate(options.auth, `${options.tls === undefined ? 'http' : 'https'}://${host}`);
  const registry: TestRegistry = {
    host,
    push: (name, image) => store(repositories, name, image),
    requests,
    get bytesSent() {
      return sent.bytes;
    },
    fault: undefined,
    tokenFault: undefined,
    expireTokens: () => gate.expireTokens(),
    dropConnections: () => server.closeIdleConnections(),
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return registry;
}

interface Repository {
  readonly tags: Map<string, string>;
  readonly manifests: Map<string, BuiltManifest>;
  readonly blobs: Map<string, Buffer>;
}

function store(repositories: Map<string, Repository>, name: string, image: BuiltImage) {
  const [, path = name, tag = 'latest'] = /^(.*?)(?::([^:/]+))?$/.exec(name) ?? [];
  const repository = repositories.get(path) ?? {
    tags: new Map(),
    manifests: new Map(),
    blobs: new Map(),
  };
  repositories.set(path, repository);
  for (const [digest, content] of image.blobs) repository.blobs.set(digest, content);
  for (const manifest of [image.top, ...image.manifests]) {
    repository.manifests.set(manifest.digest, manifest);
  }
  repository.tags.set(tag, image.top.digest);
  return { digest: image.top.digest };
}

function log({ method = '', url = '', headers }: IncomingMessage): LoggedRequest {
  const { authorization, range, 'user-agent': agent } = headers;
  return {
    method,
    path: url,
    status: 0,
    bytes: 0,
    ...(authorization === undefined ? {} : { authorization }),
    ...(agent === undefined ? {} : { agent }),
    ...(range === undefined ? {} : { range }),
  };
}

function find(repositories: ReadonlyMap<string, Repository>, { path }: LoggedRequest): Answer {
  if (path === '/v2/' || path === '/v2')
    return { status: 200, headers: {}, body: Buffer.from('{}') };
  const [, name = '', kind, reference = ''] =
    /^\/v2\/(.+)\/(manifests|blobs)\/([^/?]+)(?:\?.*)?$/.exec(path) ?? [];
  const repository = repositories.get(name);
  if (repository === undefined) return refusal(404, 'NAME_UNKNOWN', 'repository name not known');
  if (kind === 'blobs') {
    const body = repository.blobs.get(reference);
    if (body === undefined) return refusal(404, 'BLOB_UNKNOWN', 'blob unknown to registry');
    return found('application/octet-stream', reference, body);
  }
  const manifest = repository.manifests.get(repository.tags.get(reference) ?? reference);
  if (manifest === undefined) return refusal(404, 'MANIFEST_UNKNOWN', 'manifest unknown');
  return found(manifest.mediaType, manifest.digest, manifest.content);
}

function found(mediaType: string, digest: string, body: Buffer): Answer {
  return {
    status: 200,
    headers: { 'content-type': mediaType, 'docker-content-digest': digest },
    body,
  };
}

/** What is asked for of an answer: RFC 9110, "Range Requests", with one range. */
function partOf(answer: Answer, asked: string | undefined): Answer {
  const range = /^bytes=(\d+)-(\d*)$/.exec(asked ?? '');
  if (range === null || answer.status !== 200) return answer;
  const { length: total } = answer.body;
  const start = Number(range[1]);
  const body = answer.body.subarray(start, range[2] === '' ? total : Number(range[2]) + 1);
  if (body.length === 0) return refusal(416, 'UNSUPPORTED', 'no such range');
  const contentRange = `bytes ${start}-${start + body.length - 1}/${total}`;
  return { status: 206, headers: { ...answer.headers, 'content-range': contentRange }, body };
}

/** Answers as it should, and returns how many bytes the body has. */
function send(request: IncomingMessage, response: ServerResponse, answer: Answer): number {
  const { status, headers, body } = answer;
  response.writeHead(status, { ...headers, 'content-length': body.length });
  if (request.method === 'HEAD') {
    response.end();
    return 0;
  }
  response.end(body);
  return body.length;
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  return address.port;
}
