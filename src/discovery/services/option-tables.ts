/** The options that a command knows, by name without dashes: `env` and `e`. */
export interface OptionTable {
  /** The long name of an option, for each of its names. */
  readonly names: ReadonlyMap<string, string>;
  /** The long names of the options that take no value. */
  readonly flags: ReadonlySet<string>;
}

/**
 * Makes a table of two lists of options, separated by blanks, with all names of an option joined by
 * slashes: `env/e`. The lists are read when somebody first looks into the table: a root's services use few
 * of the tables.
 *
 * @param values the options that take a value.
 * @param flags the options that take none.
 */
export function optionTable(values: string, flags: string): OptionTable {
  let table: OptionTable | undefined;
  const read = () => (table ??= readTable(values, flags));
  return {
    get names() {
      return read().names;
    },
    get flags() {
      return read().flags;
    },
  };
}

function readTable(values: string, flags: string): OptionTable {
  const names = new Map<string, string>();
  const long = (spelling: string): string => {
    const [name = '', ...others] = spelling.split('/');
    for (const each of [name, ...others]) names.set(each, name);
    return name;
  };
  const words = (text: string) => text.split(' ').filter((word) => word !== '');
  words(values).map(long);
  return { names, flags: new Set(words(flags).map(long)) };
}

/** The options of `run` and `create` that podman and docker have in common. */
const sharedValues =
  'add-host annotation attach/a blkio-weight blkio-weight-device cap-add cap-drop cgroup-parent cgroupns cidfile cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares/c cpus cpuset-cpus cpuset-mems detach-keys device device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops dns dns-option/dns-opt dns-search entrypoint env/e env-file expose gpus group-add health-cmd health-interval health-retries health-start-period health-timeout hostname/h ip ip6 ipc label/l label-file log-driver log-opt mac-address memory/m memory-reservation memory-swap memory-swappiness mount name network/net network-alias/net-alias oom-score-adj pid pids-limit platform publish/p pull restart security-opt shm-size stop-signal stop-timeout sysctl tmpfs ulimit user/u userns uts volume/v volumes-from workdir/w kernel-memory';
const sharedFlags =
  'detach/d disable-content-trust help init interactive/i no-healthcheck oom-kill-disable privileged publish-all/P quiet/q read-only rm sig-proxy tty/t';

/**
 * podman's options, including hidden ones and alternative spellings.
 *
 * Source: podman 4.3.1, 5.4.2 and 5.8.6, `--help` of each command; cmd/podman/utils/alias.go.
 */
export const podman = {
  global: optionTable(
    'cgroup-manager cdi-spec-dir config conmon connection/c context default-mounts-file events-backend hooks-dir host/H identity imagestore log-level module namespace network-cmd-path network-config-dir out root runroot runtime runtime-flag ssh storage-driver storage-opt tls-ca tls-cert tls-key tmpdir url volumepath db-backend cni-config-dir cpu-profile max-workers memory-profile pull-option',
    'debug/D help noout remote/r syslog transient-store trace version/v',
  ),
  run: optionTable(
    `${sharedValues} arch/override-arch authfile cgroup-conf cgroups chrootdirs conmon-pidfile decryption-key env-merge gidmap group-entry healthcheck-command healthcheck-interval healthcheck-retries healthcheck-start-period healthcheck-timeout ns health-log-destination health-max-log-count health-max-log-size health-on-failure health-startup-cmd health-startup-interval health-startup-retries health-startup-success health-startup-timeout hosts-file hostuser image-volume init-ctr init-path os/override-os passwd-entry personality pidfile pod pod-id-file preserve-fd preserve-fds rdt-class requires retry retry-delay sdnotify seccomp-policy secret shm-size-systemd signature-policy subgidname subuidname systemd timeout tz uidmap umask unsetenv variant/override-variant cert-dir creds`,
    `${sharedFlags} env-host http-proxy no-hostname no-hosts passwd read-only-tmpfs replace rmi rootfs tls-verify unsetenv-all`,
  ),
  pull: optionTable(
    'arch/override-arch authfile cert-dir creds decryption-key os/override-os platform policy retry retry-delay signature-policy variant/override-variant',
    'all-tags/a disable-content-trust help quiet/q remove-signatures tls-verify',
  ),
  play: optionTable(
    'annotation authfile cert-dir configmap context-dir creds ip log-driver log-opt mac-address network publish seccomp-profile-root signature-policy userns',
    'build force help no-hostname no-hosts no-pod-prefix publish-all quiet/q replace service-container start tls-verify wait/w down',
  ),
  /** `--pull` counts as a flag, because it takes a value only after `=`. */
  build: optionTable(
    'add-host annotation arch authfile build-arg build-arg-file build-context cache-from cache-to cache-ttl cap-add cap-drop cert-dir cgroup-parent cgroupns cpp-flag cpu-period cpu-quota cpu-shares/c cpuset-cpus cpuset-mems creds cw decryption-key device dns dns-option dns-search env file/f format from group-add hooks-dir ignorefile iidfile ipc isolation jobs label layer-label logfile manifest memory-swap memory/m network os os-feature os-version output/o pid platform retry retry-delay runtime runtime-flag sbom sbom-image-output sbom-image-purl-output sbom-merge-strategy sbom-output sbom-purl-output sbom-scanner-command sbom-scanner-image secret security-opt shm-size sign-by signature-policy source-date-epoch ssh tag/t target timestamp ulimit unsetannotation unsetenv unsetlabel userns userns-gid-map userns-gid-map-group userns-uid-map userns-uid-map-user uts variant volume/v',
    'all-platforms compat-volumes compress created-annotation disable-compression/D disable-content-trust force-rm help http-proxy identity-label inherit-annotations inherit-labels layers logsplit no-cache no-hostname no-hosts omit-history pull quiet/q rewrite-timestamp rm skip-unused-stages squash squash-all stdin tls-verify',
  ),
  pod: optionTable(
    'add-host blkio-weight blkio-weight-device cgroup-parent cpu-shares/c cpus cpuset-cpus cpuset-mems device device-read-bps device-write-bps dns dns-option dns-search exit-policy gidmap gpus hostname/h hosts-file infra-command infra-conmon-pidfile infra-image infra-name ip ip6 label/l label-file mac-address memory/m memory-swap name/n network/net network-alias pid pod-id-file publish/p restart security-opt share shm-size shm-size-systemd stop-timeout subgidname subuidname sysctl uidmap ulimit userns uts volume/v volumes-from',
    'help infra no-hostname no-hosts replace share-parent',
  ),
  mount: optionTable('format', 'all/a help'),
  extract: optionTable('digest title', 'help'),
  runlabel: optionTable(
    'authfile cert-dir creds name/n opt1 opt2 opt3 signature-policy',
    'display help quiet/q replace tls-verify pull',
  ),
  volume: optionTable('driver/d gid label/l opt/o uid', 'help ignore'),
  load: optionTable('input/i signature-policy', 'help quiet/q'),
};

/** docker's options. Source: docker 26.1 and 28.2, `--help` of each command. */
export const docker = {
  global: optionTable(
    'config context/c host/H log-level/l tlscacert tlscert tlskey',
    'debug/D help tls tlsverify version/v',
  ),
  run: optionTable(
    `${sharedValues} cpu-count cpu-percent domainname health-start-interval io-maxbandwidth io-maxiops isolation link link-local-ip runtime storage-opt volume-driver`,
    `${sharedFlags} use-api-socket`,
  ),
  pull: optionTable('platform', 'all-tags/a disable-content-trust help quiet/q'),
  load: optionTable('input/i platform', 'help quiet/q'),
  build: optionTable(
    'add-host allow annotation attest build-arg build-context builder cache-from cache-to call cgroup-parent cpu-period cpu-quota cpu-shares/c cpuset-cpus cpuset-mems file/f iidfile isolation label memory/m memory-swap metadata-file network no-cache-filter output/o platform progress provenance sbom secret security-opt shm-size ssh tag/t target ulimit',
    'check compress debug/D disable-content-trust force-rm help load no-cache pull push quiet/q rm squash',
  ),
};

/**
 * nerdctl's options.
 *
 * Source: nerdctl 1.x and 2.x, cmd/nerdctl (container_run.go, image_pull.go, main.go).
 */
export const nerdctl = {
  global: optionTable(
    'address/a/H/host namespace/n snapshotter/storage-driver cni-path cni-netconfpath data-root cgroup-manager hosts-dir host-gateway-ip bridge-ip cdi-spec-dirs userns-remap',
    'debug debug-full experimental help/h insecure-registry kube-hide-dupe version/v',
  ),
  run: optionTable(
    `${sharedValues} cgroup-conf cosign-certificate-identity cosign-certificate-identity-regexp cosign-certificate-oidc-issuer cosign-certificate-oidc-issuer-regexp cosign-key domainname health-start-interval init-binary ipfs-address isolation pidfile rdt-class runtime umask verify`,
    `${sharedFlags} rootfs`,
  ),
  pull: optionTable(
    'cosign-certificate-identity cosign-certificate-identity-regexp cosign-certificate-oidc-issuer cosign-certificate-oidc-issuer-regexp cosign-key ipfs-address platform soci-index-digest unpack verify',
    'all-platforms help/h quiet/q',
  ),
  load: optionTable('input/i platform', 'all-platforms help/h quiet/q'),
};

/**
 * The options of containerd's `ctr`, with those of older versions.
 *
 * Source: `--help` of ctr 1.6, 1.7 and 2.1. `ctr pull --user` takes credentials.
 */
export const ctr = {
  global: optionTable('address/a connect-timeout namespace/n timeout', 'debug help/h version/v'),
  run: optionTable(
    'annotation apparmor-default-profile apparmor-profile blockio-class blockio-config-file cap-add cap-drop cgroup checkpoint config/c cpu-period cpu-quota cpu-shares cpus cpuset-cpus cpuset-mems cwd device env env-file fifo-dir gidmap gpus hostname label log-uri memory-limit mount pid-file platform rdt-class rootfs-propagation runc-binary runc-root runtime runtime-config-path sandbox seccomp-profile snapshotter snapshotter-label uidmap user/u with-ns',
    'allow-new-privs cni detach/d help/h net-host no-pivot null-io privileged privileged-without-host-devices read-only remap-labels rm rootfs runc-systemd-cgroup seccomp sync-fs tty/t',
  ),
  pull: optionTable(
    'creds/user/u hosts-dir label max-concurrent-downloads platform refresh snapshotter tlscacert tlscert tlskey',
    'all-metadata all-platforms help/h http-dump http-trace local plain-http print-chainid skip-metadata skip-verify/k sync-fs',
  ),
  import: optionTable(
    'base-name index-name label platform snapshotter',
    'all-platforms compress-blobs digests discard-unpacked-layers help/h local no-unpack skip-digest-for-named sync-fs',
  ),
};

/** crictl's options. Source: cri-tools 1.30, cmd/crictl (main.go, image.go). */
export const crictl = {
  global: optionTable(
    'config/c image-endpoint/i profile-cpu profile-mem runtime-endpoint/r timeout/t tracing-endpoint tracing-sampling-rate-per-million',
    'debug/D enable-tracing help/h version/v',
  ),
  pull: optionTable('annotation/a auth creds pod-config pull-timeout/pt username/u', 'help/h'),
};

/** skopeo's options. Source: skopeo 1.9.3 and 1.18, `--help`. */
export const skopeo = {
  global: optionTable(
    'command-timeout override-arch override-os override-variant policy registries.d tmpdir',
    'debug help/h insecure-policy version/v',
  ),
  copy: optionTable(
    'additional-tag authfile decryption-key dest-authfile dest-cert-dir dest-compress-format dest-compress-level dest-creds dest-daemon-host dest-password dest-registry-token dest-shared-blob-dir dest-username digestfile encrypt-layer encryption-key format/f image-parallel-copies multi-arch retry-times retry-delay sign-by sign-by-sigstore sign-by-sigstore-private-key sign-by-sq-fingerprint sign-identity sign-passphrase-file src-authfile src-cert-dir src-creds src-daemon-host src-password src-registry-token src-shared-blob-dir src-username',
    'all/a dest-compress dest-decompress dest-force-compress-format dest-no-creds dest-oci-accept-uncompressed-layers dest-precompute-digests dest-tls-verify help/h preserve-digests quiet/q remove-signatures src-no-creds src-tls-verify',
  ),
};

/** buildah's options. Source: buildah 1.28 and 1.39, `--help`. */
export const buildah = {
  global: optionTable(
    'cgroup-manager log-level registries-conf registries-conf-dir root runroot short-name-alias-conf storage-driver storage-opt userns-gid-map userns-uid-map',
    'debug help/h version/v',
  ),
  from: optionTable(
    'add-host arch authfile cap-add cap-drop cert-dir cgroup-parent cgroupns cidfile cpu-period cpu-quota cpu-shares/c cpuset-cpus cpuset-mems creds decryption-key device dns dns-option dns-search format/f ipc isolation memory/m memory-swap name network os pid platform retry retry-delay security-opt shm-size signature-policy ulimit userns userns-gid-map userns-gid-map-group userns-uid-map userns-uid-map-user uts variant volume/v',
    'help/h http-proxy pull pull-always pull-never quiet/q tls-verify',
  ),
};
