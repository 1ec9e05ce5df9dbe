import { endianness } from 'node:os';

/** An OCI platform (image-spec, image-index.md, `platform`). */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** The platform of this machine, in Go's names, which images use. */
export function hostPlatform(): Platform {
  // Node's arm_version is the lowest version that its build runs on, so images for it run here.
  const build: object = process.config.variables;
  const version = 'arm_version' in build ? Number(build.arm_version) : 7;
  const variant = process.arch === 'arm' ? `/v${version}` : '';
  const names: Readonly<Record<string, string>> = {
    x64: 'amd64',
    ia32: '386',
    // Other architectures need not load the module, which takes half a millisecond.
    ppc64: process.arch === 'ppc64' && endianness() === 'LE' ? 'ppc64le' : 'ppc64',
    mipsel: 'mipsle',
  };
  const platform = parsePlatform(`linux/${names[process.arch] ?? process.arch}${variant}`);
  if (platform === undefined) throw new Error(`no platform for the architecture ${process.arch}`);
  return platform;
}

/** Parses `os/architecture[/variant]`; undefined if the text has another form. */
export function parsePlatform(text: string): Platform | undefined {
  if (!/^[\w.-]{1,64}\/[\w.-]{1,64}(\/[\w.-]{1,64})?$/.test(text)) return undefined;
  const [os = '', architecture = '', variant] = text.split('/');
  return normalisePlatform({ os, architecture, ...(variant === undefined ? {} : { variant }) });
}

/** Writes a platform as `os/architecture[/variant]`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return `${os}/${architecture}${variant === undefined ? '' : `/${variant}`}`;
}

/**
 * The one spelling of a platform: Go's names in lower case, without a variant that is the only one
 * (arm64/v8, amd64/v1). The same as in github.com/containerd/platforms, except that `arm` gets no variant.
 */
export function normalisePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase();
  const given = platform.architecture.toLowerCase();
  const alias = Object.hasOwn(ALIASES, given) ? ALIASES[given] : undefined;
  const architecture = alias?.architecture ?? given;
  const text = platform.variant?.toLowerCase();
  const variant = text === undefined || text === '' ? alias?.variant : text.replace(/^(?=\d)/, 'v');
  if (variant === undefined || variant === ONLY_VARIANT.get(architecture)) {
    return { os, architecture };
  }
  return { os, architecture, variant };
}

const ALIASES: Readonly<Record<string, { architecture: string; variant?: string }>> = {
  i386: { architecture: '386' },
  x86_64: { architecture: 'amd64' },
  'x86-64': { architecture: 'amd64' },
  aarch64: { architecture: 'arm64' },
  armhf: { architecture: 'arm', variant: 'v7' },
  armel: { architecture: 'arm', variant: 'v6' },
};

const ONLY_VARIANT: ReadonlyMap<string, string> = new Map([
  ['arm64', 'v8'],
  ['amd64', 'v1'],
]);

/**
 * The entry of an index that fits a platform best, by the order of c/image's WantedPlatforms (a lower
 * variant of arm runs on a higher one), so that berth chooses the same entry as podman.
 *
 * An entry without a platform is the last resort. Attestations have `unknown/unknown` and never fit.
 */
export function choosePlatform<T extends { readonly platform?: Platform | undefined }>(
  entries: readonly T[],
  wanted: Platform,
): T | undefined {
  const { os, architecture, variant = '' } = normalisePlatform(wanted);
  for (const accepted of acceptedVariants(architecture, variant)) {
    const found = entries.find(
      ({ platform }) =>
        platform?.os === os &&
        platform.architecture === architecture &&
        (platform.variant ?? '') === accepted,
    );
    if (found !== undefined) return found;
  }
  return entries.find(({ platform }) => platform === undefined);
}

function acceptedVariants(architecture: string, variant: string): readonly string[] {
  if (architecture === 'arm64' && variant === '') return ['v8', ''];
  const known = architecture === 'arm' ? ['v8', 'v7', 'v6', 'v5'] : [];
  if (variant === '') return ['', ...known];
  return known.includes(variant) ? [...known.slice(known.indexOf(variant)), ''] : [variant, ''];
}

/** systemd's name for an architecture, which is the value of the specifier `%a` (systemd.unit(5)). */
export function systemdArchitecture({ architecture }: Platform): string {
  return SYSTEMD_NAMES.get(architecture) ?? architecture;
}

/** Go's name for an architecture, from systemd's name. */
export function goArchitecture(systemd: string): string {
  for (const [go, name] of SYSTEMD_NAMES) if (name === systemd) return go;
  return systemd;
}

/** systemd's names that differ from Go's. Source: systemd's src/basic/architecture.c. */
const SYSTEMD_NAMES: ReadonlyMap<string, string> = new Map([
  ['amd64', 'x86-64'],
  ['386', 'x86'],
  ['ppc64le', 'ppc64-le'],
  ['mipsle', 'mips-le'],
  ['mips64le', 'mips64-le'],
  ['loong64', 'loongarch64'],
]);
