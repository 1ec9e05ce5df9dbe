/**
 * A fault of a root: something that berth can't read or can't resolve, or that would not start offline.
 *
 * A problem is data, never an exception: one bad file never hides the others.
 */
export interface Problem<Code extends string = string> {
  /** Stable, kebab-case, documented in docs/problems.md. */
  readonly code: Code;
  /** The file inside the root, absolute there; bytes that are not UTF-8 as surrogate escapes. */
  readonly path: string;
  /** The 1-based line; absent if the problem concerns the whole file. */
  readonly line?: number;
  /** States what was expected and what was found. */
  readonly message: string;
  /** States what to do. */
  readonly hint: string;
  /**
   * The unit that the problem concerns. The policy uses it to decide whether the problem concerns
   * something bound. Absent if the problem concerns nothing that could be bound.
   */
  readonly subject?: ProblemSubject;
  /** Set for a mere note, which does not keep a root from being ready. */
  readonly note?: true;
}

/** The facts about the unit of a problem that the binding policy needs. */
export interface ProblemSubject {
  /** The unit's own file in the root, links not followed: `/etc/containers/systemd/a.container`. */
  readonly unitPath: string;
  /** The service that the unit becomes, e.g. `app.service`. */
  readonly unit: string;
  /** `[X-Berth] Bind=` of the unit. */
  readonly bind?: boolean;
  /** How the unit comes to start; absent if not known yet. */
  readonly activation?: string;
}
