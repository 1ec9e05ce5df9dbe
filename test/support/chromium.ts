import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import type { TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { temporaryDirectory } from './temporary.ts';

type Parameters = Readonly<Record<string, unknown>>;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Parameters;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
  readonly sessionId?: string;
}

/** What a page did besides showing itself. */
export interface Deeds {
  /** The addresses of all requests. */
  readonly requests: string[];
  /** Messages of the console, refused by a policy or said by a script, and exceptions. */
  readonly complaints: string[];
}

/** How a page is looked at. */
export interface Screen {
  readonly width: number;
  readonly height?: number;
  readonly scheme?: 'light' | 'dark';
  readonly media?: 'screen' | 'print';
}

/** A page in a headless Chromium. */
export interface Page {
  readonly deeds: Deeds;
  readonly screen: (screen: Screen) => Promise<void>;
  /** The value of an expression in the page; that of a promise, if it is one. */
  readonly evaluate: (expression: string) => Promise<unknown>;
  readonly press: (key: string) => Promise<void>;
  /** As PNG, the whole page. */
  readonly screenshot: () => Promise<Buffer>;
  /** As PDF, on A4. */
  readonly print: () => Promise<Buffer>;
}

/** The Chromium of Debian, driven over pipes: nothing listens on a port. It ends with the test. */
export async function startChromium(t: TestContext): Promise<(path: string) => Promise<Page>> {
  const directory = temporaryDirectory(t);
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--remote-debugging-pipe'];
  const quiet = ['--disable-background-networking', '--disable-component-update', '--no-first-run'];
  const child = spawn(
    'chromium',
    [...flags, ...quiet, '--disable-dev-shm-usage', `--user-data-dir=${directory}/profile`],
    {
      env: { PATH: process.env['PATH'], HOME: directory, TMPDIR: directory },
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    },
  );
  const ended = once(child, 'close');
  const wire = new Wire(child);
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return (path) => openPage(wire, path);
}

async function openPage(wire: Wire, path: string): Promise<Page> {
  const { targetId } = await wire.call('Target.createTarget', { url: 'about:blank' });
  const attached = await wire.call('Target.attachToTarget', { targetId, flatten: true });
  const session = String(attached['sessionId']);
  const call = (method: string, params: Parameters = {}) => wire.call(method, params, session);
  const deeds = deedsIn(wire, session);
  for (const domain of ['Page', 'Network', 'Log', 'Runtime']) await call(`${domain}.enable`);
  const loaded = wire.event(session, 'Page.loadEventFired');
  await call('Page.navigate', { url: pathToFileURL(path).href });
  await loaded;
  return {
    deeds,
    screen: async ({ width, height = 900, scheme = 'light', media = 'screen' }) => {
      const mobile = false;
      const metrics = { width, height, deviceScaleFactor: 1, mobile };
      await call('Emulation.setDeviceMetricsOverride', metrics);
      const features = [{ name: 'prefers-color-scheme', value: scheme }];
      await call('Emulation.setEmulatedMedia', { media, features });
    },
    evaluate: async (expression) => {
      const asked = { expression, awaitPromise: true, returnByValue: true };
      const { result, exceptionDetails } = await call('Runtime.evaluate', asked);
      if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
      return (result as { value?: unknown }).value;
    },
    press: async (key) => {
      for (const type of ['keyDown', 'keyUp']) {
        await call('Input.dispatchKeyEvent', { type, ...KEYS[key] });
      }
    },
    screenshot: async () => {
      const whole = { format: 'png', captureBeyondViewport: true };
      return Buffer.from(String((await call('Page.captureScreenshot', whole))['data']), 'base64');
    },
    print: async () => {
      // What is emulated for the screen would be printed too.
      await call('Emulation.setEmulatedMedia', { media: '', features: [] });
      const { data } = await call('Page.printToPDF', { preferCSSPageSize: true });
      return Buffer.from(String(data), 'base64');
    },
  };
}

const KEYS: Readonly<Record<string, Parameters>> = {
  Tab: { key: 'Tab', code: 'Tab', windowsVirtualKeyCode: 9 },
  Enter: { key: 'Enter', code: 'Enter', text: '\r', windowsVirtualKeyCode: 13 },
};

function deedsIn(wire: Wire, session: string): Deeds {
  const deeds: Deeds = { requests: [], complaints: [] };
  wire.hear(session, ({ method, params = {} }) => {
    const said = JSON.stringify(params);
    if (method === 'Network.requestWillBeSent')
      deeds.requests.push((params['request'] as { url: string }).url);
    if (method === 'Log.entryAdded' || method === 'Runtime.exceptionThrown')
      deeds.complaints.push(said);
    if (method === 'Runtime.consoleAPICalled') deeds.complaints.push(said);
  });
  return deeds;
}

/** Chromium's protocol over its pipes: messages of JSON, each ended by a NUL. */
class Wire {
  readonly #out: Writable;
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #listeners: ((message: Message) => void)[] = [];
  readonly #gone: Promise<never>;
  #last = 0;

  constructor(child: ChildProcess) {
    this.#out = child.stdio[3] as Writable;
    const input = child.stdio[4] as Readable;
    this.#out.on('error', () => undefined);
    this.#gone = once(child, 'close').then(() => {
      throw new Error('chromium has ended');
    });
    this.#gone.catch(() => undefined);
    let rest = '';
    input.setEncoding('utf8').on('data', (text: string) => {
      const messages = (rest + text).split('\0');
      rest = messages.pop() ?? '';
      for (const message of messages) this.#take(JSON.parse(message) as Message);
    });
  }

  async call(method: string, params: Parameters, sessionId?: string) {
    const id = ++this.#last;
    const { promise, resolve } = Promise.withResolvers<Message>();
    this.#waiting.set(id, resolve);
    this.#out.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    const { result, error } = await Promise.race([promise, this.#gone]);
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  }

  hear(session: string, listener: (message: Message) => void): void {
    this.#listeners.push((message) => {
      if (message.sessionId === session) listener(message);
    });
  }

  /** The next event of a name. */
  async event(session: string, name: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.hear(session, ({ method }) => {
      if (method === name) resolve(undefined);
    });
    await Promise.race([promise, this.#gone]);
  }

  #take(message: Message): void {
    const { id } = message;
    if (id === undefined) {
      for (const listener of this.#listeners) listener(message);
      return;
    }
    this.#waiting.get(id)?.(message);
    this.#waiting.delete(id);
  }
}
