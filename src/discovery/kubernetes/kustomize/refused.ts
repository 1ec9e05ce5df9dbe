import type { Fault } from '../../problem.ts';

/** Ends the work on a part of a kustomization that can't be applied. */
export class Refused extends Error {
  readonly fault: Fault;

  /** @param found completes `found …`. */
  constructor(found: string) {
    super(found);
    this.fault = {
      code: 'kustomization',
      message: `expected a kustomization that kustomize applies and berth understands, found ${found}`,
      hint: 'correct it, set images with images:, or list the images in images.d',
    };
  }
}

/** Like `Refused`, for a part that kustomize would apply. It only matters if it may change images. */
export class NotUnderstood extends Refused {}
