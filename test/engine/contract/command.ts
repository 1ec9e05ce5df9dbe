/** A way in which somebody can remove or move what berth put into an engine. */
export interface Command {
  /** The command's row in docs/survival.md. */
  readonly row: string;
  /** Whether the command removes images that nothing holds; the suite then checks that it did. */
  readonly prunes?: boolean;
  /** @returns false if this version of the engine has no such command. */
  readonly run: (targets: Targets) => Promise<boolean>;
}

/** The images of two staged roots, as commands name them. */
export interface Targets {
  /** The only name of an image that both roots need. */
  readonly name: string;
  readonly id: string;
  /** The engine's handle of the first root's pin of that image: for podman, a container. */
  readonly pin: string;
  /** One of two names of an image that the first root needs. */
  readonly second: string;
  readonly secondId: string;
  /** An image that no root needs. */
  readonly other: string;
  readonly otherName: string;
}
