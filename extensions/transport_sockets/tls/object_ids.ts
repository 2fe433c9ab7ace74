/** Names of object identifiers that otherNames go by; OpenSSL's. */
const NAMES: Readonly<Record<string, string>> = {
  msUPN: '1.3.6.1.4.1.311.20.2.3',
  'Microsoft User Principal Name': '1.3.6.1.4.1.311.20.2.3',
  'id-on-personalData': '1.3.6.1.5.5.7.8.1',
  'id-on-permanentIdentifier': '1.3.6.1.5.5.7.8.3',
  'id-on-hardwareModuleName': '1.3.6.1.5.5.7.8.4',
  'id-on-xmppAddr': '1.3.6.1.5.5.7.8.5',
  'id-on-dnsSRV': '1.3.6.1.5.5.7.8.7',
  'id-on-NAIRealm': '1.3.6.1.5.5.7.8.8',
  'id-on-SmtpUTF8Mailbox': '1.3.6.1.5.5.7.8.9',
};

/** Dotted, of a dotted one or a name; undefined = it is neither. */
export function parseOid(text: string): string | undefined {
  if (Object.hasOwn(NAMES, text)) return NAMES[text];
  const arcs = text.split('.');
  if (arcs.length < 2 || arcs.some((arc) => !/^\d{1,40}$/.test(arc))) return undefined;
  const [first, second] = arcs.map(BigInt);
  if (first > 2n || (first < 2n && second >= 40n)) return undefined;
  return arcs.map((arc) => String(BigInt(arc))).join('.');
}
