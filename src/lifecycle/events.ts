/** What a long command reports while it runs: one stream, rendered by whoever listens. */
export type ProgressEvent =
  | { readonly event: 'resolved'; readonly name: string; readonly digest: string }
  | {
      readonly event: 'fetch-started';
      readonly id: string;
      readonly name: string;
      readonly bytes: number;
    }
  /** `bytes` are here so far, of the `bytes` that `fetch-started` named. */
  | { readonly event: 'fetch-progress'; readonly id: string; readonly bytes: number }
  | { readonly event: 'fetched'; readonly id: string; readonly name: string }
  | {
      readonly event: 'fetch-failed';
      readonly id: string;
      readonly name: string;
      readonly message: string;
    }
  | { readonly event: 'pinned'; readonly id: string; readonly root: string }
  | { readonly event: 'named'; readonly id: string; readonly name: string }
  | { readonly event: 'restarting'; readonly unit: string }
  | { readonly event: 'removed'; readonly id: string; readonly name: string }
  /** Something is asked for again in so many milliseconds; the message says what went wrong. */
  | { readonly event: 'retry'; readonly message: string; readonly milliseconds: number }
  | { readonly event: 'warning'; readonly message: string };

export type Report = (event: ProgressEvent) => void;
