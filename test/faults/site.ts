import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { wantedOf } from '../../src/binding/wanted.ts';
import { BerthError } from '../../src/common/errors.ts';
import { Secret } from '../../src/common/secret.ts';
import { type Context, readingFor } from '../../src/lifecycle/context.ts';
import { planStage } from '../../src/lifecycle/plan/plan.ts';
import { readSituation } from '../../src/lifecycle/situation.ts';
import { type Staged, stage } from '../../src/lifecycle/stage/stage.ts';
import { judge } from '../../src/lifecycle/verify.ts';
import { openRegistry, type RegistryOptions } from '../../src/registry/client.ts';
import type { Timeouts } from '../../src/registry/http/body.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { retrying, retryPolicy } from '../../src/registry/retry.ts';
import { openRoot } from '../../src/root/open-root.ts';
import { State } from '../../src/state/state.ts';
import { openStore } from '../../src/store/store.ts';
import { container, writeRoot } from '../support/berth.ts';
import { theOnly } from '../support/engines.ts';
import { buildImage, type ImageOptions } from '../support/image-builder.ts';
import { validBlobs, validNames, validPins } from '../support/layout-check.ts';
import { policyFilesBy } from '../support/policy-files.ts';
import type { TestRegistry } from '../support/registry.ts';

/** The host of every name; registries.conf leads it to the test's registry. */
export const HOST = 'registry.example.com';

export const login = { username: 'robot', password: 'the-password-of-the-robot' };

/** Where nothing goes wrong, a busy machine must not look as if something did. */
const calm: Timeouts = {
  connect: 300_000,
  reply: 300_000,
  mirrorReply: 300_000,
  idle: 300_000,
  least: { bytes: 1, within: 300_000 },
  mirror: { bytes: 1, within: 300_000 },
  smallReply: 300_000,
  lookaside: 300_000,
  told: 300_000,
};

/** Where registries fall silent on purpose, nobody has to wait for it. */
export const hasty: Timeouts = {
  connect: 5000,
  reply: 150,
  mirrorReply: 150,
  idle: 150,
  least: { bytes: 2000, within: 300 },
  mirror: { bytes: 1000, within: 150 },
  smallReply: 400,
  lookaside: 400,
  told: 300_000,
};

/** A run that takes longer hangs: far more than any takes on a busy machine. */
const HANG_MS = 600_000;

/** What came of one run of berth, and all that it said. */
export interface Run {
  readonly staged?: Staged;
  readonly error?: BerthError;
  readonly ready: boolean;
  readonly said: string;
}

/** A state directory, and berth at work in it, in this process. */
export class Site {
  readonly stateDirectory: string;
  readonly store: string;
  /** Called for each event of a stage. */
  onEvent: () => void = () => undefined;
  /** Records that a killed run had begun to write; no later run reads or removes them. */
  readonly #halfWritten = new Set<string>();
  readonly #directory: string;
  readonly #fault: { readonly registry: Pick<TestRegistry, 'host'> };
  readonly #options: Partial<RegistryOptions>;

  /** @param options of the client, in place of one rule for the fault registry and the robot's login. */
  constructor(
    directory: string,
    fault: { readonly registry: Pick<TestRegistry, 'host'> },
    options: Partial<RegistryOptions> = {},
  ) {
    this.#directory = directory;
    this.#fault = fault;
    this.#options = options;
    this.stateDirectory = join(directory, 'state');
    this.store = join(this.stateDirectory, 'store');
  }

  /** A tree with a unit for each name. */
  root(id: string, names: readonly string[]): string {
    const units = names.map((name, i) => container(`app${i}`, `${HOST}/${name}`));
    return writeRoot(join(this.#directory, 'roots', id), Object.assign({}, ...units));
  }

  /** As a process of its own: nothing is known of earlier runs but what lies on disk. */
  async stage(id: string, location: string, timeouts = calm): Promise<Run> {
    return this.#open(timeouts, async (context, registry) => {
      const root = openRoot(location);
      try {
        const options = { ...readingFor(context), bind: 'all', compose: [] } as const;
        const wanted = await wantedOf(root, options);
        return await stage(context, {
          id: () => id,
          engines: new Set(),
          plan: (situation) => planStage(context, registry, situation, { id, location }, wanted),
        });
      } finally {
        root.close();
      }
    });
  }

  /** What keeps a root from being ready, by its record and what the store has. */
  async findings(id: string): Promise<readonly string[]> {
    const registry = this.#client(calm);
    const engines = theOnly(openStore({ directory: this.store, registry }));
    const { signal } = new AbortController();
    const context = { engines, state: new State(this.stateDirectory), report: () => {}, signal };
    const situation = await readSituation(context);
    const record = situation.records.get(id);
    assert.ok(record, `no record of ${id}`);
    return judge(record, situation).map(({ code }) => code);
  }

  /**
   * Holds the store and the records against what must hold whatever happened.
   *
   * @param how the last run ended: one that was killed leaves files half-written.
   * @returns the digests of the blobs that are there.
   */
  checkDisk(how: 'ended' | 'killed' = 'ended'): ReadonlySet<string> {
    validNames(this.store);
    validPins(this.store);
    for (const name of how === 'ended' ? listed(join(this.store, 'tmp')) : []) {
      assert.match(name, /^[0-9a-f]{64}\.partial$/, 'only what the next run goes on with');
    }
    for (const name of listed(join(this.stateDirectory, 'roots'))) {
      if (how === 'killed' && name.startsWith('.')) this.#halfWritten.add(name);
      if (this.#halfWritten.has(name)) continue;
      assert.match(name, /^[a-z]+\.json$/);
      JSON.parse(readFileSync(join(this.stateDirectory, 'roots', name), 'utf8'));
    }
    return validBlobs(this.store);
  }

  record(id: string): string {
    return readFileSync(join(this.stateDirectory, 'roots', `${id}.json`), 'utf8');
  }

  #client(timeouts: Timeouts): Registry {
    const rule = {
      prefix: HOST,
      location: this.#fault.registry.host,
      insecure: true,
      blocked: false,
      mirrors: [],
    };
    const registry = openRegistry({
      conf: { rules: [rule] },
      credentials: async () => ({
        username: login.username,
        password: new Secret(login.password),
      }),
      policyFiles: policyFilesBy('insecureAcceptAnything'),
      timeouts,
      ...this.#options,
    });
    return retrying(registry, { ...retryPolicy, wait: async () => undefined });
  }

  async #open(
    timeouts: Timeouts,
    work: (context: Context, registry: Registry) => Promise<Staged>,
  ): Promise<Run> {
    const registry = this.#client(timeouts);
    const said: unknown[] = [];
    const context: Context = {
      engines: theOnly(openStore({ directory: this.store, registry })),
      state: new State(this.stateDirectory),
      report: (event) => {
        said.push(event);
        this.onEvent();
      },
      signal: new AbortController().signal,
    };
    try {
      const staged = await withoutHanging(work(context, registry));
      const errors = [...staged.plan.failures, ...staged.failures].map(({ error }) => error);
      for (const error of errors) checkError(error);
      const ready = errors.length === 0 && staged.findings.length === 0;
      return { staged, ready, said: shown([said, errors, staged.findings]) };
    } catch (error) {
      if (!(error instanceof BerthError)) throw error;
      checkError(error);
      return { error, ready: false, said: shown([said, error]) };
    } finally {
      registry.close();
    }
  }
}

/** Clear: it says what, and what to do, in words that a terminal can show. */
function checkError(error: BerthError): void {
  assert.ok(error instanceof BerthError, inspect(error));
  assert.ok(error.message.length > 10 && error.message.length < 2000, error.message);
  assert.ok(error.hint.length > 10, error.message);
  assert.doesNotMatch(error.message + error.hint, /[\p{Cc}]|\[object/u);
}

async function withoutHanging<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const hangs = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it hangs')), HANG_MS);
  });
  try {
    return await Promise.race([work, hangs]);
  } finally {
    clearTimeout(timer);
  }
}

function shown(what: unknown): string {
  return inspect(what, { depth: 12, maxStringLength: null, maxArrayLength: null });
}

function listed(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Two generations of images under the same names; the root `first` is staged with the older. */
export interface Upgrade {
  readonly template: Site;
  /** The location of the root that is to be staged with the newer. */
  readonly second: string;
  readonly record: ReturnType<Site['record']>;
  /** Of the newer images. */
  readonly blobs: ReadonlyMap<string, Buffer>;
}

export async function beforeUpgrade(
  directory: string,
  registry: TestRegistry,
  imagesOf: (generation: number) => readonly ImageOptions[],
): Promise<Upgrade> {
  const built = (generation: number) =>
    imagesOf(generation).map((options, i) => ({ name: `app${i}:1`, image: buildImage(options) }));
  const [older, newer] = [built(1), built(2)];
  for (const { name, image } of older) registry.push(name, image);
  const names = older.map(({ name }) => name);
  const template = new Site(directory, { registry });
  const first = template.root('first', names);
  const second = template.root('second', names);
  assert.ok((await template.stage('first', first)).ready);
  for (const { name, image } of newer) registry.push(name, image);
  return {
    template,
    second,
    record: template.record('first'),
    blobs: new Map(newer.flatMap(({ image }) => [...image.blobs])),
  };
}
