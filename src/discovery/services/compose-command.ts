import { posix } from 'node:path';
import type { Fault } from '../problem.ts';
import type { Caller } from './caller.ts';
import { docker, nerdctl, type OptionTable, optionTable, podman } from './option-tables.ts';
import { type Option, splitOptions } from './split-options.ts';
import type { Word } from './words.ts';

/** A command that brings up, pulls or builds the services of a Compose project. */
export interface ComposeCommand {
  /** The program that is started; `docker-compose` counts as docker. */
  readonly program: 'docker' | 'podman' | 'nerdctl' | 'podman-compose';
  /** The program as written: `/usr/bin/docker`. */
  readonly path: string;
  readonly subcommand: Subcommand;
  /** The options before `compose`: `--host`, `--context`, `--namespace`. */
  readonly engineOptions: readonly Option[];
  /** The options of Compose and of its subcommand. */
  readonly options: readonly Option[];
  /** The services that are named; for `run` only the first word is one. */
  readonly services: readonly Word[];
  readonly caller: Caller;
}

export type ReadComposeCommand =
  | { readonly kind: 'compose'; readonly command: ComposeCommand }
  | { readonly kind: 'fault'; readonly fault: Fault }
  | { readonly kind: 'other' };

type Subcommand = keyof typeof tables;

/**
 * The options before the subcommand, of docker's Compose, docker-compose 1 and podman-compose.
 *
 * Source: `--help` of docker compose 2.26; docker-compose 1.29, cli/main.py; podman-compose 1.0.3.
 */
const global = optionTable(
  'ansi env-file file/f parallel profile progress project-directory project-name/p host/H context/c log-level tlscacert tlscert tlskey podman-path podman-args podman-pull-args podman-run-args podman-create-args podman-build-args podman-start-args in-pod pod-args env/e ipfs-address',
  'all-resources compatibility dry-run no-ansi no-cleanup verbose tls tlsverify skip-hostname-check help/h version/v',
);

const create =
  'build dry-run force-recreate help/h no-build no-recreate quiet-pull remove-orphans yes/y always-recreate-deps';

const tables = {
  up: optionTable(
    'attach exit-code-from no-attach pull scale timeout/t wait-timeout',
    `${create} abort-on-container-exit abort-on-container-failure attach-dependencies detach/d menu no-color no-deps no-log-prefix no-start quiet renew-anon-volumes/V timestamps wait watch/w`,
  ),
  create: optionTable('pull scale', `${create} no-deps`),
  watch: optionTable('', 'dry-run help/h no-up prune quiet'),
  scale: optionTable('', 'dry-run help/h no-deps'),
  run: optionTable(
    'cap-add cap-drop entrypoint env/e env-from-file label/l name publish/p pull user/u volume/v workdir/w',
    'build detach/d dry-run help/h interactive/i no-deps no-TTY/T quiet quiet-build quiet-pull remove-orphans rm service-ports/P use-aliases',
  ),
  start: optionTable('wait-timeout', 'dry-run help/h wait'),
  restart: optionTable('timeout/t', 'dry-run help/h no-deps'),
  pull: optionTable(
    'policy',
    'dry-run force-local help/h ignore-buildable ignore-pull-failures include-deps no-parallel parallel quiet/q',
  ),
  build: optionTable(
    'build-arg builder memory/m progress provenance sbom ssh',
    'check compress dry-run force-rm help/h no-cache no-rm parallel print pull pull-always push quiet/q with-dependencies',
  ),
} satisfies Record<string, OptionTable>;

/**
 * Reads a command line of Compose.
 *
 * @param name the program's name without its directory.
 * @returns undefined if the command line is none of Compose.
 */
export function composeCommand(
  name: string,
  path: string,
  args: readonly Word[],
  caller: Caller,
): ReadComposeCommand | undefined {
  if (name === 'docker-compose') return readArguments('docker', path, [], args, caller);
  if (name === 'podman-compose') return readArguments('podman-compose', path, [], args, caller);
  const own = { docker: docker.global, podman: podman.global, nerdctl: nerdctl.global };
  if (name !== 'docker' && name !== 'podman' && name !== 'nerdctl') return undefined;
  const engine = splitOptions(args, { tables: [own[name]], interspersed: false });
  if (!engine.ok) return undefined;
  const [word, ...rest] = engine.rest;
  if (word?.text === 'stack' && name === 'docker' && rest[0]?.text === 'deploy') {
    return { kind: 'fault', fault: swarm };
  }
  return word?.text === 'compose'
    ? readArguments(name, path, engine.options, rest, caller)
    : undefined;
}

function readArguments(
  program: ComposeCommand['program'],
  path: string,
  engineOptions: readonly Option[],
  args: readonly Word[],
  caller: Caller,
): ReadComposeCommand {
  const before = splitOptions(args, { tables: [global], interspersed: false });
  if (!before.ok) return { kind: 'fault', fault: before.fault };
  const [first, ...rest] = before.rest;
  if (first?.fault !== undefined) return { kind: 'fault', fault: first.fault };
  const subcommand = first?.text ?? '';
  if (!isSubcommand(subcommand)) return { kind: 'other' };
  const split = splitOptions(rest, {
    tables: [tables[subcommand], global],
    interspersed: subcommand !== 'run',
  });
  if (!split.ok) return { kind: 'fault', fault: split.fault };
  const options = [...before.options, ...split.options];
  if (options.some(({ name }) => name === 'help' || name === 'version')) return { kind: 'other' };
  const services = subcommand === 'run' ? split.rest.slice(0, 1) : split.rest;
  return {
    kind: 'compose',
    command: {
      program,
      path: posix.normalize(path),
      subcommand,
      engineOptions,
      options,
      services,
      caller,
    },
  };
}

function isSubcommand(text: string): text is Subcommand {
  return Object.hasOwn(tables, text);
}

const swarm: Fault = {
  code: 'command-line',
  message: 'expected a command that starts containers on this host, found docker stack deploy',
  hint: "bring up the project with docker compose, or pull the stack's images in a unit of their own",
};
