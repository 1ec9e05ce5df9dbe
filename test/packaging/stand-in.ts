import { chmodSync, mkdirSync, readFileSync, renameSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A script in the place of berth: what is tested is how systemd calls it. It writes down each call,
 * and answers as the files beside that list say.
 */
export class StandIn {
  readonly #state: string;

  constructor(root: string) {
    this.#state = join(root, 'var/lib/berth');
    mkdirSync(this.#state, { recursive: true });
    writeFileSync(join(this.#state, 'calls'), '');
    const program = join(root, 'usr/bin/berth');
    writeFileSync(program, script);
    chmodSync(program, 0o755);
  }

  /** What an `activate` or `reconcile` from now on ends with: SIGSTOP never does by itself. */
  answer(command: 'activate' | 'reconcile', end: number | NodeJS.Signals): void {
    const file = join(this.#state, command);
    // Whole at once: a call may come at any moment.
    writeFileSync(`${file}.new`, String(end).replace(/^SIG/, '-'));
    renameSync(`${file}.new`, file);
  }

  /** The command lines so far that begin so. */
  calls(command: string): string[] {
    const lines = readFileSync(join(this.#state, 'calls'), 'utf8').split('\n');
    return lines.filter((line) => line.startsWith(command));
  }

  /** Waits until there are so many. */
  async called(command: string, times: number, signal: AbortSignal): Promise<void> {
    const enough = Promise.withResolvers<void>();
    const look = () => {
      if (this.calls(command).length >= times) enough.resolve();
    };
    const watcher = watch(this.#state, { signal }, look);
    look();
    await enough.promise;
    watcher.close();
  }
}

/** An activation takes a moment: what does not wait for it comes before its end. */
const script = `#!/bin/sh
state=/var/lib/berth
echo "$*" >>$state/calls
case $* in
  'activate --pull-needed present-image.service') exit 1 ;;
  'activate --pull-needed '*) exit 0 ;;
  'activate --for '*) sleep 0.5 ;;
esac
end=0
[ ! -e "$state/$1" ] || end=$(cat "$state/$1")
case $end in
  -*) kill "$end" $$ ;;
  *) exit "$end" ;;
esac
`;
