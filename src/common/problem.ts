/**
 * Something in a root that berth can't read, can't resolve, or that would not start offline.
 *
 * A problem is data, never an exception: one bad file never hides the others.
 */
export interface Problem<Code extends string = string> {
  /** Stable, kebab-case, documented in docs/problems.md. */
  readonly code: Code;
  /** The file inside the root, absolute there; bytes that are not UTF-8 as surrogate escapes. */
  readonly path: string;
  /** 1-based; left out where the whole file is meant. */
  readonly line?: number;
  /** What was expected and what was found. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
  /**
   * The unit files that this concerns, where it is not the file as such: lets the policy say
   * whether it stands on something bound. Absent: it concerns nothing that could be bound.
   */
  readonly subject?: ProblemSubject;
  /** A word only: it keeps nothing from being ready. */
  readonly note?: true;
}

/** What the binding policy needs to know of the thing that a problem is about. */
export interface ProblemSubject {
  /** The unit's own file in the root, its links not followed: `/etc/containers/systemd/a.container`. */
  readonly unitPath: string;
  /** The service that the unit becomes, e.g. `app.service`. */
  readonly unit: string;
  /** `[X-Berth] Bind=` of the unit. */
  readonly bind?: boolean;
  /** How the unit comes to start; absent while that is not known. */
  readonly activation?: string;
}
