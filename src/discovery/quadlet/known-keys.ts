import { isReadKey } from '../../systemd/wanted-keys.ts';
import { sectionOf, type UnitType } from './unit.ts';

/** The keys of `[Quadlet]`, which is allowed in units of all types. */
export const quadletKeys: ReadonlySet<string> = new Set(['DefaultDependencies']);

/**
 * The keys of each type's own section. The generator refuses units with any other key.
 *
 * Source: podman 6.0, pkg/systemd/quadlet/quadlet.go, `groupsInfo`. Older versions know fewer keys:
 * 5.4 has no `Policy` in `[Image]`, for example.
 */
export const knownKeys: Readonly<Record<UnitType, ReadonlySet<string>>> = {
  artifact: keys(`
    Artifact AuthFile CertDir ContainersConfModule Creds DecryptionKey GlobalArgs PodmanArgs Quiet
    Retry RetryDelay ServiceName TLSVerify
  `),
  build: keys(`
    Annotation Arch AuthFile BuildArg ContainersConfModule DNS DNSOption DNSSearch Environment
    File ForceRM GlobalArgs GroupAdd IgnoreFile ImageTag Label Network PodmanArgs Pull Retry
    RetryDelay Secret ServiceName SetWorkingDirectory TLSVerify Target Variant Volume
  `),
  container: keys(`
    AddCapability AddDevice AddHost Annotation AppArmor AutoUpdate CgroupsMode ContainerName
    ContainersConfModule DNS DNSOption DNSSearch DropCapability Entrypoint Environment
    EnvironmentFile EnvironmentHost Exec ExposeHostPort GIDMap GlobalArgs Group GroupAdd HealthCmd
    HealthInterval HealthLogDestination HealthMaxLogCount HealthMaxLogSize HealthOnFailure
    HealthRetries HealthStartPeriod HealthStartupCmd HealthStartupInterval HealthStartupRetries
    HealthStartupSuccess HealthStartupTimeout HealthTimeout HostName HttpProxy IP IP6 Image Label
    LogDriver LogOpt Mask Memory Mount Network NetworkAlias NoNewPrivileges Notify PidsLimit Pod
    PodmanArgs PublishPort Pull ReadOnly ReadOnlyTmpfs ReloadCmd ReloadSignal RemapGid RemapUid
    RemapUidSize RemapUsers Retry RetryDelay Rootfs RunInit SeccompProfile Secret
    SecurityLabelDisable SecurityLabelFileType SecurityLabelLevel SecurityLabelNested
    SecurityLabelType ServiceName ShmSize StartWithPod StopSignal StopTimeout SubGIDMap SubUIDMap
    Sysctl Timezone Tmpfs UIDMap Ulimit Unmask User UserNS VolatileTmp Volume WorkingDir
  `),
  image: keys(`
    AllTags Arch AuthFile CertDir ContainersConfModule Creds DecryptionKey GlobalArgs Image
    ImageTag OS PodmanArgs Policy Retry RetryDelay ServiceName TLSVerify Variant
  `),
  kube: keys(`
    AutoUpdate ConfigMap ContainersConfModule ExitCodePropagation GlobalArgs KubeDownForce
    LogDriver LogOpt Network PodmanArgs PublishPort RemapGid RemapUid RemapUidSize RemapUsers
    ServiceName SetWorkingDirectory UserNS Yaml
  `),
  network: keys(`
    ContainersConfModule DNS DisableDNS Driver Gateway GlobalArgs IPAMDriver IPRange IPv6
    InterfaceName Internal Label NetworkDeleteOnStop NetworkName Options PodmanArgs ServiceName
    Subnet
  `),
  pod: keys(`
    AddHost ContainersConfModule DNS DNSOption DNSSearch ExitPolicy GIDMap GlobalArgs HostName IP
    IP6 Label Network NetworkAlias PodName PodmanArgs PublishPort RemapGid RemapUid RemapUidSize
    RemapUsers ServiceName ShmSize StopTimeout SubGIDMap SubUIDMap UIDMap UserNS Volume
  `),
  volume: keys(`
    ContainersConfModule Copy Device Driver GID GlobalArgs Group Image Label Options PodmanArgs
    ServiceName Type UID User VolumeName
  `),
};

/** The dependencies in `[Unit]` that may name a Quadlet file. */
export const dependencyKeys: ReadonlySet<string> = keys(`
  After Before BindsTo Conflicts OnFailure OnSuccess PartOf PropagatesReloadTo PropagatesStopTo
  ReloadPropagatedFrom Requires Requisite StopPropagatedFrom Upholds Wants
`);

/** The keys that berth reads in sections that are common to all types. */
const commonKeys: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['Unit', new Set([...dependencyKeys, 'SuccessAction'])],
  ['Install', keys('Alias DefaultInstance RequiredBy UpheldBy WantedBy')],
]);

/** The keys that berth reads in the types' own sections. */
const ownKeys: ReadonlySet<string> = keys(`
  AllTags Arch Artifact AuthFile BuildArg CertDir ContainersConfModule Creds DecryptionKey Device
  Driver ExposeHostPort File GIDMap Gateway GlobalArgs Group IPRange Image ImageTag Mount Network OS Options Pod PodmanArgs Policy
  Pull ReloadCmd ReloadSignal RemapGid RemapUid RemapUsers Retry RetryDelay Rootfs ServiceName SetWorkingDirectory StartWithPod
  SubGIDMap SubUIDMap Subnet TLSVerify Target Type UIDMap User UserNS Variant Volume Yaml
`);

/** Whether berth needs an assignment: because it reads the key, or because podman refuses it. */
export function isRead(type: UnitType, group: string, key: string): boolean {
  if (group === sectionOf[type]) return ownKeys.has(key) || !knownKeys[type].has(key);
  if (group === 'Quadlet') return !quadletKeys.has(key);
  if (group === 'Unit' && /^(?:Condition|Assert)/.test(key)) return true;
  if (group === 'Service') return isReadKey(group, key);
  return group === 'X-Berth' || commonKeys.get(group)?.has(key) === true;
}

function keys(names: string): ReadonlySet<string> {
  return new Set(names.trim().split(/\s+/));
}
