/** One line of what gpg says of its work: doc/DETAILS of GnuPG, "Format of the --status-fd output". */
interface StatusLine {
  readonly keyword: string;
  readonly words: readonly string[];
}

/** The signature that gpg found good. */
export interface GoodSignature {
  /** The fingerprint of the primary key, also if a subkey has signed. */
  readonly key: string;
}

/** The fingerprints of the primary keys that an import took. */
export function importedKeys(status: string): readonly string[] {
  return linesOf(status).flatMap(({ keyword, words }) => {
    const [, fingerprint] = words;
    return keyword === 'IMPORT_OK' && fingerprint !== undefined ? [fingerprint] : [];
  });
}

/** For each signature gpg writes either `GOODSIG` or one of these keywords. */
const BAD: Readonly<Record<string, string>> = {
  BADSIG: 'a wrong signature',
  ERRSIG: 'a signature by another key, or of an unknown kind',
  EXPSIG: 'a signature that has expired',
  EXPKEYSIG: 'a signature by a key that has expired',
  REVKEYSIG: 'a signature by a key that is revoked',
};

/**
 * Reads what gpg says of a message that must hold one text with one good signature, and nothing else.
 * Whether the key is trusted is decided elsewhere.
 *
 * @returns a string that says what is wrong with the message.
 */
export function verdictOf(status: string): GoodSignature | string {
  const lines = linesOf(status);
  const counted = (one: string) => lines.filter(({ keyword }) => keyword === one);
  const signatures = counted('NEWSIG').length;
  if (signatures === 0) return 'something that is not an OpenPGP signature';
  if (signatures !== 1) return `a message with ${signatures} signatures`;
  const bad = lines.map(({ keyword }) => BAD[keyword]).find((reason) => reason !== undefined);
  if (bad !== undefined) return bad;
  const valid = counted('VALIDSIG');
  const isWhole = counted('GOODSIG').length === 1 && valid.length === 1;
  if (!isWhole || counted('PLAINTEXT').length !== 1) return 'a message that is not one signed text';
  if (lines.some(({ keyword }) => UNREAD.includes(keyword))) {
    return 'a message of which gpg can’t read all';
  }
  const key = valid[0]?.words[PRIMARY_KEY];
  return key === undefined ? 'a signature without the fingerprint of its key' : { key };
}

/** Keywords that say that gpg could not read all of a message, or found more in it than signed text. */
const UNREAD = ['BEGIN_DECRYPTION', 'NODATA', 'UNEXPECTED', 'ERROR', 'FAILURE'];

/** The place of the primary key's fingerprint in `VALIDSIG`. */
const PRIMARY_KEY = 9;

const PREFIX = '[GNUPG:] ';

function linesOf(status: string): readonly StatusLine[] {
  return status
    .split('\n')
    .filter((line) => line.startsWith(PREFIX))
    .map((line) => {
      const [keyword = '', ...words] = line.slice(PREFIX.length).split(' ');
      return { keyword, words };
    });
}
