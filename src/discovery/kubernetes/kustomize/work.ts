import { Refused } from './refused.ts';

/** The most entries that are looked at or copied for all kustomizations of a service, a few seconds. */
const maxSteps = 2_000_000;

/** Bounds what many patches of many objects may cost. */
export class Work {
  #left = maxSteps;

  /** @throws {Refused} once there was too much work. */
  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new Refused('more patches and objects than berth goes through');
  }
}
