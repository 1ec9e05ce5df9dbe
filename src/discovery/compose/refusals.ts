import type { Fault } from '../problem.ts';
import type { YamlValue } from './yaml-value.ts';

/** A reason why Compose refuses a file, with its line. */
export type Refusal = Fault & { readonly line: number };

const none: ReadonlyMap<string, YamlValue> = new Map();

const topKeys = setOf('configs include models name networks secrets services version volumes');

/**
 * The keys of a service.
 *
 * Source: compose-spec, schema/compose-spec.json, those of compose 2.26 and later ones.
 */
const serviceKeys = setOf(
  'annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs container_name cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset credential_spec depends_on deploy develop device_cgroup_rules devices dns dns_opt dns_search domainname entrypoint env_file environment expose extends external_links extra_hosts gpus group_add healthcheck hostname image init ipc isolation label_file labels links logging mac_address mem_limit mem_reservation mem_swappiness memswap_limit models network_mode networks oom_kill_disable oom_score_adj pid pids_limit platform ports post_start pre_start pre_stop privileged profiles provider pull_policy pull_refresh_after read_only restart runtime scale secrets security_opt shm_size stdin_open stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits use_api_socket user userns_mode uts volumes volumes_from working_dir',
);

/** The reasons for which Compose refuses a file as such, whatever its variables are. */
export function refusalsOf(top: ReadonlyMap<string, YamlValue>): readonly Refusal[] {
  const found = unknownKeys(top, topKeys, 'a Compose file');
  const version = top.get('version');
  if (version !== undefined && !version.isString) found.push(notA('a string', 'version', version));
  const include = top.get('include');
  if (include !== undefined && include.items === undefined) {
    found.push(notA('a list', 'include', include));
  }
  const models = top.get('models');
  if (models?.entries !== undefined) found.push({ ...unreadModels, line: models.line });
  for (const [name, service] of top.get('services')?.entries ?? []) {
    if (!/^[\w.-]+$/.test(name)) found.push(notA('a plain name', 'a service', service));
    for (const refusal of serviceRefusals(service)) found.push(refusal);
  }
  return found;
}

function serviceRefusals({ entries = none }: YamlValue): readonly Refusal[] {
  const found = unknownKeys(entries, serviceKeys, 'a service');
  for (const key of ['profiles', 'links', 'volumes', 'secrets', 'configs', 'volumes_from']) {
    const value = entries.get(key);
    const isOther = value?.text !== undefined || value?.entries !== undefined;
    if (value !== undefined && isOther) found.push(notA('a list', key, value));
  }
  for (const key of ['container_name', 'image', 'platform', 'pull_policy', 'restart']) {
    const value = entries.get(key);
    if (value === undefined || value.isString || isNull(value)) continue;
    found.push(notA('a string', key, value));
  }
  for (const [, how] of entries.get('depends_on')?.entries ?? []) {
    if (how.entries?.has('condition') !== true) {
      found.push(notA('a mapping with a condition', 'depends_on', how));
    }
  }
  const build = entries.get('build')?.entries;
  const inline = build?.get('dockerfile_inline');
  if (inline !== undefined && build?.has('dockerfile') === true) {
    found.push(notA('one of dockerfile and dockerfile_inline', 'build', inline));
  }
  return found;
}

function isNull({ text, entries, items }: YamlValue): boolean {
  return text === undefined && entries === undefined && items === undefined;
}

function unknownKeys(
  entries: ReadonlyMap<string, YamlValue>,
  known: ReadonlySet<string>,
  where: string,
): Refusal[] {
  return [...entries].flatMap(([key, { line }]) =>
    known.has(key) || key.startsWith('x-') ? [] : [{ ...unknownKey(key, where), line }],
  );
}

function setOf(words: string): ReadonlySet<string> {
  return new Set(words.split(' '));
}

function unknownKey(key: string, where: string): Fault {
  return {
    code: 'compose',
    message: `expected the keys of ${where}, found ${JSON.stringify(key.slice(0, 100))}, for which Compose refuses the file`,
    hint: 'correct the key, or let it begin with x-',
  };
}

function notA(expected: string, what: string, value: YamlValue): Refusal {
  return {
    code: 'compose',
    message: `expected ${expected} for ${what}, found something else, for which Compose refuses the file`,
    hint: 'correct the Compose file',
    line: value.line,
  };
}

const unreadModels: Fault = {
  code: 'compose',
  message: "expected images of containers, found models, which docker's model runner pulls",
  hint: 'pull the models with a command of their own; berth does not fetch them',
};
