import type { X509Certificate } from 'node:crypto';
import { systemErrorCode } from '../../common/errors.ts';
import { shownCertificates } from './shown-certificate.ts';

/** What was found instead of a connection with TLS, and what to do about it. */
export interface TlsFailure {
  readonly found: string;
  readonly hint: string;
}

/**
 * Explains why TLS failed, where adding a CA would not help.
 *
 * @param host the server that was asked, with its port.
 * @returns undefined for any other reason.
 */
export function tlsFailure(error: unknown, host: string): TlsFailure | undefined {
  const code = systemErrorCode(error) ?? '';
  const chain = shownCertificates(error);
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return untimely(code === 'CERT_HAS_EXPIRED', chain, host);
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code === 'HOSTNAME_MISMATCH') {
    return misnamed(chain[0], host);
  }
  const words = error instanceof Error ? `${code} ${error.message}` : code;
  if (/key[ _]too[ _](weak|small)|digest algorithm too weak|md[ _]too[ _]weak/i.test(words)) {
    return {
      found: 'a certificate or key that is too weak',
      hint: `have ${host} get a certificate with an RSA key of at least 2048 bits, or an elliptic one, signed with SHA-256`,
    };
  }
  if (/unsupported[ _]protocol|protocol[ _]version|version[ _]too[ _]low/i.test(words)) {
    return {
      found: 'a version of TLS that is too old',
      hint: `have ${host} speak TLS 1.2 or later, as every engine requires`,
    };
  }
  return undefined;
}

function untimely(isPast: boolean, chain: readonly X509Certificate[], host: string): TlsFailure {
  const now = secondsOf(new Date());
  const { from, to } = periodOf(chain, isPast);
  const what = isPast ? 'a certificate that has expired' : 'a certificate that is not valid yet';
  const period = from === undefined ? '' : `valid from ${from} until ${to}; `;
  return {
    found: `${what} (${period}the clock here says ${now})`,
    hint: `if the clock is right, have the certificate of ${host} renewed; if not, set the clock (\`timedatectl\`)`,
  };
}

/** The period of the first certificate of the chain for which it is too late, or too early. */
function periodOf(chain: readonly X509Certificate[], isPast: boolean) {
  const isUntimely = ({ validFromDate: from, validToDate: to }: X509Certificate) =>
    isPast ? to.getTime() < Date.now() : from.getTime() > Date.now();
  const found = chain.find(isUntimely) ?? chain[0];
  return {
    from: found && secondsOf(found.validFromDate),
    to: found && secondsOf(found.validToDate),
  };
}

function secondsOf(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}

function misnamed(certificate: X509Certificate | undefined, host: string): TlsFailure {
  const name = host.replace(/:\d+$/, '');
  const names = namesIn(certificate);
  return {
    found: `a certificate for ${names.length === 0 ? 'another host' : names.join(', ')}`,
    hint: `use a name that the certificate has, or have ${name} added to it; where a network shows a login page first (a captive portal), log in there`,
  };
}

/** How many names of a certificate are shown. */
const MAX_NAMES = 5;

/** The names and addresses for which a certificate holds. */
function namesIn(certificate: X509Certificate | undefined): readonly string[] {
  const listed = certificate?.subjectAltName?.split(', ') ?? [];
  const names = listed.map((entry) => entry.replace(/^(DNS|IP Address):/, ''));
  const more = names.length - MAX_NAMES;
  return more <= 0 ? names : [...names.slice(0, MAX_NAMES), `and ${more} more`];
}
