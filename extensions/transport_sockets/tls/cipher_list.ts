/**
 * tls_params.cipher_suites as Envoy reads it: names and words for groups of suites, with the operators of cipher lists (`-`, `+`, `!`, `A+B`,
 * `@STRENGTH`) and groups of equal preference (`[A|B]`). What comes out is the plain list of suites, since words mean others to OpenSSL.
 */
import { type Cipher, CIPHER_GROUPS, CIPHERS, TLS13_CIPHERS } from './cipher_table.ts';

/** Names in order of preference; undefined = the list is wrong, or names nothing. */
export function evaluateCipherList(list: string): string[] | undefined {
  const selection = new Selection();
  let text = list;
  if (text === 'DEFAULT' || text.startsWith('DEFAULT:')) {
    selection.apply('', ({ isDeprecated }) => !isDeprecated);
    text = text.slice('DEFAULT:'.length);
  }
  for (const item of text.split(':')) {
    if (item !== '' && !applyItem(item, selection)) return undefined;
  }
  const names = selection.names();
  return names.length === 0 ? undefined : names;
}

/** Those of a list that are wrong by themselves. */
export function rejectedCiphers(list: string): string[] {
  return list.split(/[:+![|\]]/).filter((token) => token !== '').map((token) => token.replace(/^-/, '')).filter((name) => evaluateCipherList(name) === undefined);
}

function applyItem(item: string, selection: Selection): boolean {
  if (item.startsWith('[')) return item.endsWith(']') && item.slice(1, -1).split('|').every((each) => applyRule('', each, selection));
  if (item.startsWith('@')) {
    if (item === '@STRENGTH') selection.sortByStrength();
    return item === '@STRENGTH';
  }
  const operator = /^[-+!]/.exec(item)?.[0] ?? '';
  return applyRule(operator, item.slice(operator.length), selection);
}

function applyRule(operator: string, rule: string, selection: Selection): boolean {
  if (TLS13_CIPHERS.has(rule)) return true;
  const exact = CIPHERS.find(({ name, standardName }) => name === rule || standardName === rule);
  if (exact !== undefined) {
    selection.apply(operator, (cipher) => cipher === exact);
    return true;
  }
  const words = rule.split('+');
  const groups = words.map((word) => (Object.hasOwn(CIPHER_GROUPS, word) ? CIPHER_GROUPS[word] : undefined));
  if (groups.some((group) => group === undefined)) return false;
  const namesDeprecated = words.includes('3DES');
  selection.apply(operator, (cipher) => (namesDeprecated || !cipher.isDeprecated) && groups.every((group) => group?.(cipher)));
  return true;
}

/** Suites while a list is read: those that are in, in order, behind those that are not. */
class Selection {
  private all: readonly Cipher[] = CIPHERS;
  private chosen: ReadonlySet<Cipher> = new Set();

  apply(operator: string, matches: (cipher: Cipher) => boolean): void {
    const matching = this.all.filter(matches);
    switch (operator) {
      case '!':
        this.all = this.all.filter((cipher) => !matching.includes(cipher));
        break;
      case '-':
        this.move(matching.filter((cipher) => this.chosen.has(cipher)), 'front');
        this.chosen = new Set([...this.chosen].filter((cipher) => !matching.includes(cipher)));
        break;
      case '+':
        this.move(matching.filter((cipher) => this.chosen.has(cipher)), 'back');
        break;
      default:
        this.move(matching.filter((cipher) => !this.chosen.has(cipher)), 'back');
        this.chosen = new Set([...this.chosen, ...matching]);
        break;
    }
  }

  sortByStrength(): void {
    const chosen = this.all.filter((cipher) => this.chosen.has(cipher));
    const sorted = chosen.toSorted((a, b) => strength(b) - strength(a));
    this.all = [...this.all.filter((cipher) => !this.chosen.has(cipher)), ...sorted];
  }

  names(): string[] {
    return this.all.filter((cipher) => this.chosen.has(cipher)).map(({ name }) => name);
  }

  private move(ciphers: readonly Cipher[], end: 'front' | 'back'): void {
    const rest = this.all.filter((cipher) => !ciphers.includes(cipher));
    this.all = end === 'front' ? [...ciphers, ...rest] : [...rest, ...ciphers];
  }
}

function strength({ encryption }: Cipher): number {
  if (encryption === '3DES') return 112;
  return encryption.startsWith('AES128') ? 128 : 256;
}
