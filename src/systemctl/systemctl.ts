import { execFile } from 'node:child_process';
import { BerthError } from '../common/errors.ts';
import type { Service, ServiceManager } from './services.ts';

/** Timeout of requests that involve no service, in milliseconds. A reload may take long: it runs generators. */
const ANSWER_TIMEOUT = 120_000;

/** Timeout of a start in milliseconds, for services that set no limit of their own. */
const START_TIMEOUT = 3_600_000;

/** The largest accepted output in bytes. Hosts with thousands of units stay far below. */
const MAX_OUTPUT = 64 * 1024 * 1024;

/** Names of services. A template, or a malformed name, would make systemctl fail for all names. */
const SERVICE = /^[\w:.\\-]+(@[\w:.\\@-]+)?\.service$/;

const NEEDS = ['Requires', 'Requisite', 'BindsTo', 'Wants', 'PartOf', 'After'];
const PROPERTIES = [
  'Id',
  'Names',
  'LoadState',
  'ActiveState',
  'InvocationID',
  'Type',
  'NeedDaemonReload',
  'ExecStart',
  'ExecStartPre',
  ...NEEDS,
  'Before',
];

interface SystemctlOptions {
  /** The calling user's services instead of the system's. */
  readonly user: boolean;
  /** The environment of systemctl, by which it finds the manager. */
  readonly environment: NodeJS.ProcessEnv;
  /** In milliseconds. */
  readonly startTimeout?: number;
}

/** The service manager systemd, asked with systemctl(1). */
export function systemctl({
  user,
  environment,
  startTimeout = START_TIMEOUT,
}: SystemctlOptions): ServiceManager {
  const manager = user ? ['--user'] : [];
  const run = runner(environment);
  const ask = async (words: readonly string[]) => {
    const { failure, output } = await run([...manager, ...words], ANSWER_TIMEOUT);
    if (failure !== undefined) throw notAnswered(words[0] ?? '', failure);
    return output;
  };
  const show = async (units: readonly string[]) =>
    servicesIn(await ask(['show', `--property=${PROPERTIES.join(',')}`, '--', ...units]));
  /**
   * Cancels the job of a unit, for which systemd waits even after the systemctl that asked for it has ended. A failure
   * changes nothing: the service is late all the same.
   */
  const cancelJob = async (unit: string) => {
    const words = [...manager, 'show', '--property=Job', '--', unit];
    const { output } = await run(words, ANSWER_TIMEOUT);
    const job = /^Job=(\d+)$/m.exec(output)?.[1];
    // The job may have ended in the meantime.
    if (job !== undefined) await run([...manager, 'cancel', '--', job], ANSWER_TIMEOUT);
  };
  return {
    scopes: new Set(user ? ['user', `user:${process.geteuid?.()}`] : ['system']),
    all: async (units) => {
      const services = await show(['*.service', ...units.filter((unit) => SERVICE.test(unit))]);
      return new Map(services.map((service) => [service.unit, service]));
    },
    one: async (unit) => {
      const [service] = await show([unit]);
      if (service === undefined) throw notAnswered('show', `it says nothing of ${unit}`);
      return service;
    },
    reload: async () => {
      await ask(['daemon-reload']);
    },
    restart: async (unit, signal) => {
      // systemd refuses to start a service that failed too often, until its failures are reset.
      await run([...manager, 'reset-failed', '--', unit], ANSWER_TIMEOUT);
      const words = [...manager, 'restart', '--', unit];
      const { failure, isLate } = await run(words, startTimeout, signal);
      signal.throwIfAborted();
      if (!isLate) return failure;
      await cancelJob(unit);
      return `it was not ready in ${startTimeout / 1000} s`;
    },
  };
}

/**
 * Sends SIGHUP to the main process of a service of the system, by which many programs read their configuration
 * again. Unlike a reload, that needs no job, which would wait for the end of a start that waits for berth.
 *
 * @returns the reason, if it could not be sent.
 */
export async function hangUp(
  unit: string,
  environment: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const words = ['kill', '--kill-whom=main', '--signal=SIGHUP', '--', unit];
  return (await runner(environment)(words, ANSWER_TIMEOUT)).failure;
}

function servicesIn(output: string): readonly Service[] {
  return output.split('\n\n').flatMap((text) => {
    const properties = new Map<string, string>();
    const preparations: string[] = [];
    for (const line of text.split('\n')) {
      const [, key, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
      if (key === 'ExecStartPre' && value !== undefined) preparations.push(value);
      // If there are several ExecStart= lines, the first counts.
      if (key !== undefined && value !== undefined && !properties.has(key)) {
        properties.set(key, value);
      }
    }
    const of = (key: string) => properties.get(key) ?? '';
    if (of('Id') === '') return [];
    // A required unit may be ordered after this one, like the containers of a pod.
    const before = new Set(of('Before').split(' '));
    const after = NEEDS.flatMap((key) => of(key).split(' ')).filter(
      (name) => name !== '' && !before.has(name),
    );
    return [
      {
        unit: of('Id'),
        names: of('Names').split(' ').filter(Boolean),
        loaded: of('LoadState') === 'loaded',
        state: of('ActiveState'),
        invocation: of('InvocationID'),
        type: of('Type'),
        stale: of('NeedDaemonReload') === 'yes',
        after: [...new Set(after)],
        command: commandIn(of('ExecStart')) ?? '',
        preparations: preparations.flatMap((line) => commandIn(line) ?? []),
      },
    ];
  });
}

/** The words of a command as `systemctl show` prints it. */
function commandIn(value: string): string | undefined {
  return / argv\[\]=(.*?) ; ignore_errors=/.exec(value)?.[1];
}

interface Answer {
  readonly output: string;
  readonly failure: string | undefined;
  /** Whether there was no answer in time. */
  readonly isLate: boolean;
}

type Run = (words: readonly string[], timeout: number, signal?: AbortSignal) => Promise<Answer>;

function runner(environment: NodeJS.ProcessEnv): Run {
  return (words, timeout, signal) =>
    new Promise((resolve) => {
      const options = {
        timeout,
        maxBuffer: MAX_OUTPUT,
        killSignal: 'SIGKILL',
        env: { ...environment, LC_ALL: 'C' },
        ...(signal === undefined ? {} : { signal }),
      } as const;
      execFile('systemctl', words, options, (error, output, stderr) => {
        if (error === null) return resolve({ output, failure: undefined, isLate: false });
        const isLate = error.killed === true && signal?.aborted !== true;
        const said = stderr.trim().split('\n')[0] ?? '';
        const failure = isLate ? `no answer in ${timeout / 1000} s` : said;
        return resolve({ output, failure: failure || error.message, isLate });
      });
    });
}

type SystemctlErrorCode = 'services';

function notAnswered(verb: string, reason: string): BerthError<SystemctlErrorCode> {
  const message = `expected systemctl ${verb} to answer, found: ${reason}`;
  return new BerthError<SystemctlErrorCode>('services', message, {
    hint: 'run it where systemd runs the services, as a user who may restart them',
  });
}
