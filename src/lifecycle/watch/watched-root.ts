import type { EngineId } from '../../common/engine-id.ts';
import { BerthError } from '../../common/errors.ts';
import { EngineError } from '../../engine/errors.ts';
import { aboutRoot } from '../events.ts';
import { FailedTries } from './failed-tries.ts';
import { FetchTimes } from './fetch-times.ts';
import { KnownLacks } from './known-lacks.ts';
import { isOfImage, keyOf, type Lack } from './lacks.ts';
import { ENGINE_FAILED, FETCH_FAILED, type Pauses } from './pause.ts';
import { type PutBack, putBack } from './put-back.ts';
import type { Wakeups } from './wakeups.ts';
import type { Watch } from './watch-parts.ts';

/** In milliseconds: when to try again where another berth process works on the root. */
const LOCKED = 1000;

/** A root on an engine that is watched. What the root lacks there is put back, by one try at a time. */
export class WatchedRoot {
  readonly #watch: Watch;
  readonly #place: { readonly root: string; readonly engine: EngineId };
  readonly #wakeups: Wakeups;
  readonly #lacks: KnownLacks;
  readonly #fetches = new FetchTimes();
  readonly #failed = new FailedTries();
  /** The names that somebody moved, and that are left alone because the running root means them. */
  #leftAlone: ReadonlySet<string> = new Set();
  /** How many tries in a row have failed, or have left a pin or a name missing. */
  #failures = 0;
  /** Until when another berth process is left to its work on the root. */
  #lockedUntil = 0;
  #isBusy = false;
  /** Whether berth looked at the engine during a try: then another look is due. */
  #isMissed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(watch: Watch, root: string, engine: EngineId, wakeups: Wakeups) {
    this.#watch = watch;
    this.#place = { root, engine };
    this.#wakeups = wakeups;
    this.#lacks = new KnownLacks(root, watch.context.report);
  }

  /** Whether a try is under way. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** Notes that there was no look during a try: another one is due when the try ends. */
  missLook(): void {
    this.#isMissed = true;
  }

  /** Takes what a look at the engine has found, and begins to put back what may be put back now. */
  look(lacks: readonly Lack[]): void {
    if (this.#isBusy) return this.missLook();
    const now = performance.now();
    this.#lacks.suspect(lacks, now);
    this.#failed.keep(lacks);
    if (this.#due(now).length > 0) {
      this.#putBack().catch(this.#watch.fail);
      return;
    }
    this.#lacks.see(lacks, now);
    this.#wakeLater(now);
  }

  /** What a try may put back: nothing that has to wait for its next fetch, or its next try. */
  #due(now: number): readonly Lack[] {
    return this.#open.filter((lack) => this.#waitFor(lack, now) === 0);
  }

  #waitFor(lack: Lack, now: number): number {
    return isOfImage(lack) ? this.#fetches.wait(lack.id, now) : this.#failed.wait(lack, now);
  }

  get #open(): readonly Lack[] {
    return this.#lacks.all.filter((lack) => !this.#leftAlone.has(keyOf(lack)));
  }

  async #putBack(): Promise<void> {
    this.#isBusy = true;
    await this.#watch.asRun(() => this.#try());
    this.#isBusy = false;
    if (this.#isMissed) this.#wakeups.wake('lost');
    this.#isMissed = false;
    this.#wakeLater(performance.now());
  }

  async #try(): Promise<void> {
    const { context, registry } = this.#watch;
    const began = performance.now();
    try {
      const result = await putBack(context, registry, {
        ...this.#place,
        mayFetch: (id) => this.#fetches.wait(id, began) === 0,
        onSeen: (lacks) => this.#lacks.see(lacks, performance.now()),
      });
      this.#tried(result, began);
    } catch (error) {
      context.signal.throwIfAborted();
      if (!(error instanceof BerthError)) throw error;
      this.#tryFailed(error, began);
    }
  }

  #tried({ left, drifted, tried, failures }: PutBack, began: number): void {
    const now = performance.now();
    this.#lacks.see(left, now);
    const lost = new Set(left.filter(isOfImage).map(({ id }) => id));
    for (const id of tried) {
      if (lost.has(id)) this.#fetches.failed(id, pausesFor(failures.get(id)), now);
      else this.#fetches.fetched(id, began, now);
    }
    const isDrift = ({ code, name }: Lack) => code === 'name-moved' && drifted.has(name);
    this.#leftAlone = new Set(left.filter(isDrift).map(keyOf));
    const [failure] = failures.values();
    const open = left.filter((lack) => !isOfImage(lack) && !isDrift(lack));
    this.#failed.keep(left);
    this.#failed.failed(open, now);
    this.#count(open.length > 0 || failure !== undefined);
    if (failure !== undefined) this.#say(failure, now);
  }

  #tryFailed(error: BerthError, began: number): void {
    const now = performance.now();
    // Another berth process works on the root, and puts back what the root needs.
    if (error.code === 'lock-held') {
      this.#lockedUntil = now + LOCKED;
      return;
    }
    const due = this.#due(began);
    for (const { id } of due.filter(isOfImage)) this.#fetches.failed(id, pausesFor(error), now);
    this.#failed.failed(
      due.filter((lack) => !isOfImage(lack)),
      now,
    );
    this.#count(true);
    this.#say(error, now);
  }

  #count(isFailure: boolean): void {
    this.#failures = isFailure ? this.#failures + 1 : 0;
  }

  /** Wakes the look for the next try, if anything is left to put back. */
  #wakeLater(now: number): void {
    clearTimeout(this.#timer);
    if (this.#open.length === 0) return;
    this.#timer = setTimeout(() => this.#wakeups.wake('lost'), this.#wait(now)).unref();
  }

  /** How long to wait for the next try, in milliseconds. */
  #wait(now: number): number {
    const soonest = this.#open
      .map((lack) => this.#waitFor(lack, now))
      .reduce((least, wait) => Math.min(least, wait), Infinity);
    return Math.max(0, this.#lockedUntil - now, soonest);
  }

  /** Warns of a failed try; of an engine's only if it fails again. */
  #say(error: BerthError, now: number): void {
    if (this.#open.length === 0 || (isOfEngine(error) && this.#failures < 2)) return;
    const { root } = this.#place;
    const { report } = aboutRoot(this.#watch.context, root);
    if (error.kind === 'waits') {
      const message = `${root} is not whole again: ${error.message}`;
      return report({ event: 'warning', code: 'quiet-hours', message });
    }
    const seconds = Math.ceil(this.#wait(now) / 1000);
    const message = `${root} is not whole again: ${error.message}; tried again in ${seconds} s`;
    report({ event: 'warning', code: 'heal-failed', message });
  }
}

function pausesFor(error: BerthError | undefined): Pauses {
  return error === undefined || isOfEngine(error) ? ENGINE_FAILED : FETCH_FAILED;
}

/** Whether the engine failed, which may be at work on the very removal. A full disk is not over soon. */
function isOfEngine(error: BerthError): boolean {
  return error instanceof EngineError && error.code !== 'no-space';
}
