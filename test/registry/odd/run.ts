import { type Draft, draftOf, refusalOf } from './draft.ts';
import { Gate } from './gate.ts';
import { type Built, buildOdd, type OddImage } from './image.ts';
import { type Asked, type Listener, listen } from './listener.ts';
import { partOf } from './ranges.ts';
import { nextRedirect, redirectTo, storedPath } from './redirects.ts';
import type { OddRegistry, Stage } from './registry.ts';
import { applyWire } from './wire.ts';

/** A registry that runs, and another host to which it may lead its clients. */
export interface Running {
  readonly host: string;
  readonly built: Built;
  /** The requests to the registry, and to the other host, since the last reset. */
  readonly asked: readonly Asked[];
  readonly askedElsewhere: readonly Asked[];
  /** What must reach no other host: a password, and every token. */
  readonly secrets: readonly string[];
  /** Forgets all requests, as a registry that has just started. */
  reset(): void;
  close(): Promise<void>;
}

export async function start(registry: OddRegistry, image: OddImage): Promise<Running> {
  const listener = async (address: string, isTls: boolean, at: Host): Promise<Listener> =>
    listen(address, { isTls, isChatty: registry.isChatty }, (asked) => running.reply(asked, at));
  const own = await listener('127.0.0.1', registry.isTls, 'own');
  const plain = await listener('127.0.0.2', false, 'elsewhere');
  // The test's certificate is for 127.0.0.1 alone.
  const elsewhere = registry.isTls ? await listener('127.0.0.1', true, 'elsewhere') : plain;
  const origins = { own: own.origin, elsewhere: elsewhere.origin, plain: plain.origin };
  const started = (): Server => new Server(registry, image, origins);
  let running: Server = started();
  return {
    host: own.host,
    get built() {
      return running.built;
    },
    get asked() {
      return running.asked.own;
    },
    get askedElsewhere() {
      return running.asked.elsewhere;
    },
    get secrets() {
      return running.secrets;
    },
    reset: () => {
      running = started();
    },
    close: async () => {
      for (const each of new Set([own, plain, elsewhere])) await each.close();
    },
  };
}

type Host = 'own' | 'elsewhere';
type Origins = Readonly<Record<Host | 'plain', string>>;

/** What both hosts of a registry say. */
class Server {
  readonly built: Built;
  readonly asked: Readonly<Record<Host, Asked[]>> = { own: [], elsewhere: [] };
  readonly #registry: OddRegistry;
  readonly #origins: Origins;
  readonly #gate: Gate | undefined;
  readonly #count = new Map<Stage, number>();
  #redirected = 0;
  /** The addresses below `/stored/` that were asked for. */
  readonly #used = new Set<string>();

  constructor(registry: OddRegistry, image: OddImage, origins: Origins) {
    this.#registry = registry;
    this.#origins = origins;
    this.#gate = registry.login && new Gate(registry.login, origins);
    this.built = buildOdd(has(registry, image), origins.elsewhere);
  }

  get secrets(): readonly string[] {
    return this.#gate?.secrets ?? [];
  }

  reply(asked: Asked, at: Host): Draft {
    this.asked[at].push(asked);
    const stage = stageOf(asked, this.built);
    const number = this.#count.get(stage) ?? 0;
    this.#count.set(stage, number + 1);
    return this.#registry.wire
      .filter((placed) => placed.at === stage && number < placed.times)
      .reduce((draft, { oddity }) => applyWire(oddity, draft), this.#plain(asked, at, stage));
  }

  /** The reply that is odd only in what it says. */
  #plain(asked: Asked, at: Host, stage: Stage): Draft {
    const { redirects, head } = this.#registry;
    if (stage === 'stored' && redirects !== undefined) return this.#kept(asked);
    if (at === 'own' && redirects?.of === stage) {
      const refused = stage === 'token' ? undefined : this.#gate?.answer(asked);
      return refused ?? redirectTo(redirects, asked.path, this.#origins, this.#redirected++);
    }
    if (stage === 'token') return this.#gate?.token(asked) ?? refusalOf(404);
    const refused = at === 'own' ? this.#gate?.answer(asked) : undefined;
    if (refused !== undefined) return refused;
    if (stage === 'head' && head !== undefined)
      return head === 200 ? draftOf(200, {}) : refusalOf(head);
    return this.#content(asked);
  }

  #kept(asked: Asked): Draft {
    const { redirects } = this.#registry;
    const path = storedPath(asked.path);
    if (redirects === undefined || path === undefined) return refusalOf(404);
    if (redirects.isForOnce && this.#used.has(asked.path)) return refusalOf(403);
    this.#used.add(asked.path);
    const next = nextRedirect(redirects, asked.path, this.#origins);
    if (next !== undefined) return next;
    const isToken = path.startsWith('/token');
    if (isToken) return this.#gate?.token({ ...asked, path }) ?? refusalOf(404);
    if (redirects.isShy && asked.headers.has('authorization')) return refusalOf(400);
    return this.#content({ ...asked, path });
  }

  #content({ path, headers }: Asked): Draft {
    const { lacks, ranges } = this.#registry;
    const { documents, blobs, layers, top } = this.built;
    if (/^\/v2\/?(\?|$)/.test(path))
      return draftOf(200, { 'Content-Type': 'application/json' }, '{}');
    const [, digest = ''] = /^\/layers\/([^?]+)/.exec(path) ?? [];
    const [, kind, reference = digest] = CONTENT.exec(path) ?? [];
    if (lacks === 'all' || (lacks === 'layers' && layers.has(reference))) return refusalOf(404);
    if (kind === 'manifests') {
      const found = documents.get(reference === TAG ? top : reference);
      if (found === undefined) return refusalOf(404);
      const named = reference === TAG ? top : reference;
      const type = { 'Content-Type': found.type, 'Docker-Content-Digest': named };
      return draftOf(200, type, found.body);
    }
    const body = (digest === '' ? blobs : layers).get(reference);
    if (body === undefined) return refusalOf(404);
    const whole = draftOf(200, { 'Content-Type': 'application/octet-stream' }, body);
    return partOf(ranges, whole, headers.get('range'));
  }
}

/** What a registry has of an image whose index may lack this platform. */
function has({ lacks }: OddRegistry, image: OddImage): OddImage {
  if (lacks !== 'the platform') return image;
  return { ...image, index: [...image.index, { at: 'manifests/1', to: '' }] };
}

/** The tag of the image in every registry. */
export const TAG = '1';

/** A mirror may have the image below other repositories (`Mirror.isNested`). */
const CONTENT = /^\/v2\/(?:cache\/hub\/)?acme\/app\/(manifests|blobs)\/([^?]+)/;

function stageOf({ method, path }: Asked, { config }: Built): Stage {
  if (path.startsWith('/stored/')) return 'stored';
  if (path.startsWith('/token')) return 'token';
  if (/^\/v2\/?$/.test(path)) return 'ping';
  const [, kind, reference = ''] = CONTENT.exec(path) ?? [];
  if (kind === 'manifests' && method === 'HEAD') return 'head';
  if (kind === 'manifests') return reference === TAG ? 'tag' : 'manifest';
  return reference === config ? 'config' : 'layer';
}
