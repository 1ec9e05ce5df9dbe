/** A way in which somebody can remove or move what berth put into an engine. */
export interface Command {
  /** Its row in docs/engines.md. */
  readonly row: string;
  /** Whether it removes images that nothing holds: then the suite looks that it did. */
  readonly prunes?: boolean;
  /** @returns false where this version of the engine has no such command. */
  readonly run: (targets: Targets) => Promise<boolean>;
}

/** The images of two staged roots, as commands name them. */
export interface Targets {
  /** The one name of an image that both roots need. */
  readonly name: string;
  readonly id: string;
  /** What the engine calls the first root's pin of that image: podman's container. */
  readonly pin: string;
  /** One of two names of an image that the first root needs. */
  readonly second: string;
  readonly secondId: string;
  /** An image that no root needs. */
  readonly other: string;
  readonly otherName: string;
}
